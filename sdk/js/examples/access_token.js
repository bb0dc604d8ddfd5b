// A token, for what the client has no method for. The client gets one by itself, and keeps it while it is good.

import {Pemudik} from '../pemudik.js';

const {PEMUDIK: url, PEMUDIK_CLIENT_ID: clientId, PEMUDIK_CLIENT_SECRET: clientSecret} = process.env;
const pemudik = new Pemudik({url, clientId, clientSecret});

const token = await pemudik.token();
console.log(token.split('.').length);
