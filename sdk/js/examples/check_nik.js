// May this NIK be registered? The answer is a courtesy: the submission decides.

import {Pemudik} from '../pemudik.js';

const {PEMUDIK: url, PEMUDIK_CLIENT_ID: clientId, PEMUDIK_CLIENT_SECRET: clientSecret, NIK} = process.env;
const pemudik = new Pemudik({url, clientId, clientSecret});

const check = await pemudik.checkNik(NIK, {direction: 'MUDIK', service: 'PASSENGER'});
console.log(check.outcome);
