// A family under one booking code, with the way back: everybody or nobody.

import {BookingRefused, Pemudik} from '../pemudik.js';

const {PEMUDIK: url, PEMUDIK_CLIENT_ID: clientId, PEMUDIK_CLIENT_SECRET: clientSecret, NIK, ROUTE, RETURN_ROUTE, REFERENCE} = process.env;
const pemudik = new Pemudik({url, clientId, clientSecret});

const names = ['Ayah Contoh', 'Ibu Contoh', 'Anak Contoh'];
/** @type {import('../pemudik.js').SubmitRegistrant[]} */
const family = names.map((name, place) => ({
    nik: String(BigInt(NIK) + BigInt(place + 1)),
    name,
    routeId: ROUTE,
    returnRouteId: RETURN_ROUTE,
    identityDocument: 'KK',
}));
try {
    const booked = await pemudik.submitBooking({reference: `${REFERENCE}-FAMILY`, registrants: family});
    const returns = booked.submissions.filter((submission) => submission.return !== null);
    console.log(`${booked.booking.people} people, ${returns.length} with a way back`);
} catch (error) {
    if (!(error instanceof BookingRefused)) {
        throw error;
    }
    for (const [place, problem] of error.problems.entries()) {
        console.log(names[place], problem?.message ?? 'could travel');
    }
}
