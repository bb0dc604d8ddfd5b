// What happened to our registrants, each change once. The file keeps the cursor: it goes on there, after months too.

import {Pemudik} from '../pemudik.js';

const {PEMUDIK: url, PEMUDIK_CLIENT_ID: clientId, PEMUDIK_CLIENT_SECRET: clientSecret, REFERENCE} = process.env;
const pemudik = new Pemudik({url, clientId, clientSecret});

// Without `everySeconds: null` it waits for what happens next.
for await (const change of pemudik.follow('pemudik.cursor', {everySeconds: null})) {
    if (change.registrant.reference === REFERENCE) {
        console.log(change.kind, change.to ?? '-');
    }
}
