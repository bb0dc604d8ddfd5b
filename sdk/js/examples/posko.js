// At the posko: a family is verified and departs by its booking code; somebody else cancels.

import {Pemudik} from '../pemudik.js';

const {PEMUDIK: url, PEMUDIK_CLIENT_ID: clientId, PEMUDIK_CLIENT_SECRET: clientSecret, REFERENCE} = process.env;
const pemudik = new Pemudik({url, clientId, clientSecret});

for (const {problem, registrants} of await pemudik.verifyBooking(`${REFERENCE}-FAMILY`, {posko: 'Monas'})) {
    console.log(problem?.message ?? registrants[0].status);
}
for (const {problem, registrants} of await pemudik.departBooking(`${REFERENCE}-FAMILY`, {healthy: true})) {
    console.log(problem?.message ?? registrants[0].status);
}
const cancelled = await pemudik.cancelRegistrant({reference: REFERENCE}, 'Tidak jadi berangkat');
console.log(cancelled.status);
