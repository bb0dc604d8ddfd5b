// One person, one seat. Sending it again is harmless: the same registrant comes back.

import {Pemudik} from '../pemudik.js';

const {PEMUDIK: url, PEMUDIK_CLIENT_ID: clientId, PEMUDIK_CLIENT_SECRET: clientSecret, NIK, ROUTE, REFERENCE} = process.env;
const pemudik = new Pemudik({url, clientId, clientSecret});

const submission = await pemudik.submitRegistrant({
    nik: NIK,
    name: 'Warga Contoh',
    routeId: ROUTE,
    identityDocument: 'KTP',
    reference: REFERENCE,
});
console.log(submission.registrant.status, submission.replayed ? 'replayed' : 'new');
