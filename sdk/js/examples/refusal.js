// A refusal: the code is what to branch on, the message is for the person at the counter.

import {Pemudik, Refused} from '../pemudik.js';

const {PEMUDIK: url, PEMUDIK_CLIENT_ID: clientId, PEMUDIK_CLIENT_SECRET: clientSecret, NIK_OF_ANOTHER, ROUTE} = process.env;
const pemudik = new Pemudik({url, clientId, clientSecret});

try {
    await pemudik.submitRegistrant({
        nik: NIK_OF_ANOTHER,
        name: 'Warga Contoh',
        routeId: ROUTE,
        identityDocument: 'KTP',
    });
} catch (error) {
    if (!(error instanceof Refused)) {
        throw error;
    }
    if (error.code === 'NIK_ALREADY_REGISTERED' && error.standing !== null) {
        console.log(error.code, error.standing.organizer.name);
    } else if (error.retryAfter !== null) {
        console.log(`Again in ${error.retryAfter} seconds: ${error.message}`);
    } else {
        console.log(error.message);
    }
}
