// A whole list: a verdict for each, in order, 1,000 a call. It may be of any length, and need not be in memory.

import {Pemudik} from '../pemudik.js';

const {PEMUDIK: url, PEMUDIK_CLIENT_ID: clientId, PEMUDIK_CLIENT_SECRET: clientSecret, NIK, ROUTE} = process.env;
const pemudik = new Pemudik({url, clientId, clientSecret});

/** @returns {Generator<import('../pemudik.js').SubmitRegistrant>} */
function* people() {
    for (let place = 0; place <= 1000; place++) {
        const nik = place < 1000 ? String(BigInt(NIK) + BigInt(100 + place)) : '3171030000009001';
        yield {nik, name: 'Warga Contoh', routeId: ROUTE, identityDocument: 'KTP'};
    }
}

const outcomes = new Map();
for await (const {problem} of pemudik.submitRegistrants(people())) {
    const outcome = problem?.code ?? 'accepted';
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}
for (const [outcome, count] of outcomes) {
    console.log(outcome, count);
}
