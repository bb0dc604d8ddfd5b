// A client without a secret: it signs with a private key, which never leaves this machine.

import {readFile} from 'node:fs/promises';

import {Pemudik} from '../pemudik.js';

const {PEMUDIK: url, SIGNING_CLIENT_ID: clientId, PRIVATE_KEY} = process.env;
const privateKey = await readFile(PRIVATE_KEY, 'utf-8');
const pemudik = new Pemudik({url, clientId, privateKey});

console.log((await pemudik.checkNik('3171030101909001')).outcome);
