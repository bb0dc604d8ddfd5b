// A whole list as a file: how many rows are refused, and the file back with the verdict of each row.

import {readFile, writeFile} from 'node:fs/promises';

import {Pemudik} from '../pemudik.js';

const {PEMUDIK: url, PEMUDIK_CLIENT_ID: clientId, PEMUDIK_CLIENT_SECRET: clientSecret, LIST} = process.env;
const pemudik = new Pemudik({url, clientId, clientSecret});

// dryRun: the rows are judged, and nothing changes.
const sent = await pemudik.importFile(LIST, await readFile(LIST), {dryRun: true});
const done = await pemudik.importOver(sent.id, {everySeconds: 0.5});
console.log(`${done.rowsDone} rows, ${done.refused} refused`);

await writeFile('hasil.csv', await pemudik.importResult(sent.id));
const [head] = (await readFile('hasil.csv', 'utf-8')).split(/\r?\n/);
console.log(head.split(';').slice(-2).join(';'));
