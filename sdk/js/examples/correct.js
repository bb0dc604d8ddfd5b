// What is known of a person later is put right. The log keeps that it was, and why.

import {Pemudik} from '../pemudik.js';

const {PEMUDIK: url, PEMUDIK_CLIENT_ID: clientId, PEMUDIK_CLIENT_SECRET: clientSecret, REFERENCE} = process.env;
const pemudik = new Pemudik({url, clientId, clientSecret});

const corrected = await pemudik.correctRegistrant(
    {reference: REFERENCE},
    {name: 'Warga Contoh Sekali', reason: 'Salah ketik'},
);
console.log(corrected.status);
