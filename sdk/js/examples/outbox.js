// An outbox: written down first, sent when the registry answers, once and in order. Run `send` from cron as well.

import {Outbox, Pemudik} from '../pemudik.js';

const {PEMUDIK: url, PEMUDIK_CLIENT_ID: clientId, PEMUDIK_CLIENT_SECRET: clientSecret, NIK, ROUTE} = process.env;
const pemudik = new Pemudik({url, clientId, clientSecret});

const outbox = await Outbox.open('outbox');
for (const nik of [String(BigInt(NIK) + 9n), '3171030000009001']) {
    const input = {nik, name: 'Warga Contoh', routeId: ROUTE, identityDocument: 'KTP'};
    await outbox.put('submitRegistrant', {input});
}

for await (const {problem} of outbox.send(pemudik)) {
    console.log(problem?.code ?? 'accepted');
}
for (const item of await outbox.refused()) {
    // Put right and sent again (`again`), or deleted with what it knows of a person.
    await outbox.forget(item.id);
}
console.log(await outbox.waiting(), 'waiting');
