// One of our own, with NIK and name: only when they are asked for.

import {Pemudik} from '../pemudik.js';

const {PEMUDIK: url, PEMUDIK_CLIENT_ID: clientId, PEMUDIK_CLIENT_SECRET: clientSecret, REFERENCE} = process.env;
const pemudik = new Pemudik({url, clientId, clientSecret});

const found = await pemudik.registrant({reference: REFERENCE}, {fields: 'status name route { departsAt }'});
console.log(found === null ? 'nobody' : `${found.status} ${found.name}`);
