/**
 * Pemudik for organizers, in one ES module for Node 20 or later and for browsers, without dependencies.
 *
 * The names are those of schema.graphql; what is answered is the plain data of the schema. Types: pemudik.d.ts.
 * Files (`FileCursor`, `Outbox`) are for Node alone. A browser has no secret: there give a function as `token`.
 */

// --- what can go wrong, by what to do about it -----------------------------------------------------------------------

const NIK = /(?<!\d)(?:\d{12}|\d{6}[ .-]\d{6}[ .-]|\d{4}([ .-])\d{4}\1\d{4}\1)(\d{4})(?!\d)/g;

/** `code` is what to branch on; the message is the registry's own, without a NIK. */
export class PemudikError extends Error {
    constructor(code, message) {
        super(message.replace(NIK, `${'*'.repeat(12)}$2`));
        this.name = new.target.name;
        this.code = code;
    }
}

/** The registry said no, and changed nothing. The same again is refused again: docs/refusals.md says what to do. */
export class Refused extends PemudikError {
    constructor(code, message, problem = {}) {
        super(code, message);
        this.field = problem.field ?? null;
        this.standing = problem.standing ?? null;
        this.allowed = problem.allowed ?? null;
        this.retryAfter = problem.retryAfter ?? null;
    }
}

/** Nobody of the booking is registered. `problems` has one for each person, in order; null: alone, accepted. */
export class BookingRefused extends Refused {
    constructor(problems) {
        const first = problems.find((problem) => problem !== null);
        super(first.code, first.message, first);
        this.problems = problems;
    }
}

/** A failover lost the change at which the cursor stood. `after` is the last place that is still there. */
export class CursorLost extends Refused {
    constructor(code, message, after) {
        super(code, message);
        this.after = after;
    }
}

/** Client or secret are wrong, or a scope is missing. Nothing is to be gained by trying again. */
export class Unauthorized extends PemudikError {
    constructor(code, message, status) {
        super(code, message);
        this.status = status;
    }
}

/** The registry is busy or away, for longer than the client's patience. `retryAfter` is in seconds, if told. */
export class TryLater extends PemudikError {
    constructor(code, message, retryAfter = null) {
        super(code, message);
        this.retryAfter = retryAfter;
    }
}

/** Nobody answered. What was sent may have been done: send it again under the same key. */
export class Unreachable extends TryLater {
    constructor() {
        super('UNREACHABLE', 'The registry did not answer.');
    }
}

/** The registry failed; `errorId` is what to name to those who run it. Or somebody else answered in its place. */
export class RegistryFailed extends PemudikError {
    constructor(code, message, errorId = null) {
        super(code, message);
        this.errorId = errorId;
    }
}

/** A webhook that the registry did not send, or sent too long ago. Answer it with 400, and do nothing. */
export class BadSignature extends PemudikError {
    constructor(message) {
        super('BAD_SIGNATURE', message);
    }
}

// --- what the registry is asked: sdk/python and sdk/php ask the same; a test compares them ----------------------------

const STANDING = 'organizer { code name } direction service status registeredOn own';
const PROBLEM = `code message field standing { ${STANDING} } allowed retryAfter`;
const WARNING = 'code message';
const REGISTRANT = 'id reference direction service status registeredAt verifyBy route { id name departsAt }';
const ROUTE =
    'id name direction service departsAt quota remaining origin { name city } destination { name city }';
const SUBMISSION = `replayed registrant { ${REGISTRANT} } return { ${REGISTRANT} } warnings { ${WARNING} }`;
const CHECK =
    `outcome available message standing { ${STANDING} } block { reason untilSeason } outboundStands` +
    ` warnings { ${WARNING} } claims { direction service outcome available message } problem { ${PROBLEM} }`;
const HOLD = 'id seats endsAt';
const OR_PROBLEM = `... on Problem { ${PROBLEM} }`;
const A_REGISTRANT = `{ ... on Registrant { ${REGISTRANT} } ${OR_PROBLEM} }`;
const A_HOLD = `{ ... on SeatHold { ${HOLD} } ${OR_PROBLEM} }`;
const A_SUBMISSION = `{ ... on Submission { ${SUBMISSION} } ${OR_PROBLEM} }`;
const A_PERSON = `registrants { ${REGISTRANT} } problem { ${PROBLEM} }`;
const VERDICTS = `{ ... on BookingVerdicts { people { ${A_PERSON} } } ${OR_PROBLEM} }`;
const A_BOOKING =
    `{ ... on SubmittedBooking { booking { reference people lapInfants } submissions { ${SUBMISSION} } }` +
    ` ... on RefusedBooking { problems { ${PROBLEM} } } ${OR_PROBLEM} }`;
const PAGE = 'pageInfo { hasNextPage endCursor }';
/** Where a caller says which fields of a registrant it wants. */
const FIELDS = '@fields@';

export const QUERIES = Object.freeze({
    checkNik:
        'query checkNik($nik: NIK!, $direction: Direction, $service: Service)' +
        ` { checkNik(nik: $nik, direction: $direction, service: $service) { ${CHECK} } }`,
    checkNiks:
        'query checkNiks($niks: [NIK!]!, $direction: Direction, $service: Service)' +
        ` { checkNiks(niks: $niks, direction: $direction, service: $service) { ${CHECK} } }`,
    routes:
        'query routes($where: RouteFilter, $after: String)' +
        ` { routes(where: $where, first: 200, after: $after) { nodes { ${ROUTE} } ${PAGE} } }`,
    registrant:
        'query registrant($ref: RegistrantRef!, $purpose: String)' +
        ` { registrant(ref: $ref, purpose: $purpose) { ${FIELDS} } }`,
    registrants:
        'query registrants($where: RegistrantFilter, $after: String)' +
        ` { registrants(where: $where, first: 200, after: $after) { nodes { ${FIELDS} } ${PAGE} } }`,
    booking:
        'query booking($reference: String!, $organizer: ID)' +
        ' { booking(reference: $reference, organizer: $organizer)' +
        ` { reference people lapInfants registrants { ${FIELDS} } } }`,
    changes:
        'query changes($after: String) { changes(first: 200, after: $after)' +
        ` { nodes { cursor at kind from to reason registrant { ${FIELDS} } } ${PAGE} } }`,
    endOfChanges: 'query endOfChanges { endOfChanges }',
});

export const MUTATIONS = Object.freeze({
    holdSeats:
        'mutation holdSeats($routeId: ID!, $seats: Int! = 1, $minutes: Int! = 15)' +
        ` { holdSeats(routeId: $routeId, seats: $seats, minutes: $minutes) ${A_HOLD} }`,
    giveBackSeats: `mutation giveBackSeats($hold: ID!) { giveBackSeats(hold: $hold) ${A_HOLD} }`,
    submitRegistrant:
        'mutation submitRegistrant($input: SubmitRegistrant!)' + ` { submitRegistrant(input: $input) ${A_SUBMISSION} }`,
    submitRegistrants:
        'mutation submitRegistrants($inputs: [SubmitRegistrant!]!)' +
        ` { submitRegistrants(inputs: $inputs) ${A_SUBMISSION} }`,
    submitBooking: 'mutation submitBooking($input: SubmitBooking!)' + ` { submitBooking(input: $input) ${A_BOOKING} }`,
    verifyRegistrant:
        'mutation verifyRegistrant($ref: RegistrantRef!, $posko: String, $at: DateTime)' +
        ` { verifyRegistrant(ref: $ref, posko: $posko, at: $at) ${A_REGISTRANT} }`,
    departRegistrant:
        'mutation departRegistrant($ref: RegistrantRef!, $healthy: Boolean!, $at: DateTime)' +
        ` { departRegistrant(ref: $ref, healthy: $healthy, at: $at) ${A_REGISTRANT} }`,
    cancelRegistrant:
        'mutation cancelRegistrant($ref: RegistrantRef!, $reason: String!)' +
        ` { cancelRegistrant(ref: $ref, reason: $reason) ${A_REGISTRANT} }`,
    verifyBooking:
        'mutation verifyBooking($reference: String!, $posko: String, $at: DateTime, $organizer: ID)' +
        ` { verifyBooking(reference: $reference, posko: $posko, at: $at, organizer: $organizer) ${VERDICTS} }`,
    departBooking:
        'mutation departBooking($reference: String!, $healthy: Boolean!, $at: DateTime,' +
        ' $direction: Direction! = MUDIK, $service: Service! = PASSENGER, $organizer: ID)' +
        ' { departBooking(reference: $reference, healthy: $healthy, at: $at, direction: $direction, service: $service,' +
        ` organizer: $organizer) ${VERDICTS} }`,
    cancelBooking:
        'mutation cancelBooking($reference: String!, $reason: String!, $organizer: ID)' +
        ` { cancelBooking(reference: $reference, reason: $reason, organizer: $organizer) ${VERDICTS} }`,
    correctRegistrant:
        'mutation correctRegistrant($ref: RegistrantRef!, $input: Correction!)' +
        ` { correctRegistrant(ref: $ref, input: $input) ${A_REGISTRANT} }`,
});

// --- the client -------------------------------------------------------------------------------------------------------

/** Items a call, at most: the registry's limit. */
const BATCH = 1000;
const RENEWED_BEFORE_END_SECONDS = 30;
const FIRST_PAUSE_SECONDS = 0.5;
const LONGEST_PAUSE_SECONDS = 30;
/** For an answer. The registry itself ends an operation after 30 seconds. */
const TIMEOUT_SECONDS = 40;
const TOKEN_PATH = '/oauth/token';
const MEDIA = {xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', csv: 'text/csv'};
const BUSY = [429, 502, 503, 504];
const LATER = ['IDEMPOTENCY_KEY_IN_USE', 'TIMEOUT'];
/** Begins the code of an answer that is none of the registry's, such as HTTP_404 of a proxy. */
const OF_NOBODY = 'HTTP_';

/** One for each program: it has the token. */
export class Pemudik {
    #url;
    #prove;
    #given;
    #language;
    #patienceSeconds;
    #kept = null;
    #asking = null;

    /**
     * A call tries again within `patienceSeconds`, and then throws `TryLater`. `token` takes the place of id and secret: a
     * function that answers an access token; it is told one that was refused. `privateKey` takes the place of the secret: PEM
     * of PKCS #8 with an EC key on P-256, or a CryptoKey. `audience` is whom the signature is for, if that is not `url`.
     */
    constructor({url, clientId, clientSecret, privateKey, audience, token = null, language = 'id', patienceSeconds = 60}) {
        this.#url = url.replace(/\/+$/, '');
        this.#prove =
            privateKey === undefined
                ? () => proofBySecret(clientId, clientSecret)
                : () => proofBySignature(clientId, privateKey, audience ?? this.#url + TOKEN_PATH);
        this.#given = token;
        this.#language = language;
        this.#patienceSeconds = patienceSeconds;
    }

    /** The access token in use, for what this client has no method for, such as exports. */
    token() {
        return this.#patiently(() => this.#renewed(null));
    }

    /**
     * `data` of any document of yours. `key` is an `Idempotency-Key`; a mutation has one in any case, the same one
     * however often it is sent, so it is done once.
     */
    execute(document, variables = {}, {key = null} = {}) {
        const sent = Object.fromEntries(Object.entries(variables).filter(([, value]) => (value ?? null) !== null));
        const body = JSON.stringify({query: document, variables: sent});
        const headers = {'Content-Type': 'application/json'};
        // The registry takes no notice of a key of what is no mutation.
        if (key !== null || document.includes('mutation')) {
            headers['Idempotency-Key'] = `"${key ?? crypto.randomUUID()}"`;
        }
        return this.#answered('POST', '/graphql', headers, body, having('data')).then(({data}) => data);
    }

    // --- before a registration ---

    checkNik(nik, {direction, service} = {}) {
        return this.#query('checkNik', {nik, direction, service});
    }

    /** The answer to each NIK, in order, as they come: 1,000 a call, and no more than that in memory. */
    async *checkNiks(niks, {direction, service} = {}) {
        for await (const batch of batches(niks)) {
            yield* await this.#query('checkNiks', {niks: batch, direction, service});
        }
    }

    /** All routes that fit `where`, such as `{organizer: 'djka', withSeats: true}`. */
    routes(where = null) {
        return this.#pages('routes', {where});
    }

    /** Keeps seats while a person fills a form, and no NIK. Its id is `hold` of the submission. Throws `Refused`. */
    holdSeats(routeId, {seats = 1, minutes = 15, key} = {}) {
        return this.#mutation('holdSeats', {routeId, seats, minutes}, key);
    }

    giveBackSeats(hold, {key} = {}) {
        return this.#mutation('giveBackSeats', {hold}, key);
    }

    // --- registrations: each throws `Refused` ---

    submitRegistrant(input, {key} = {}) {
        return this.#mutation('submitRegistrant', {input}, key);
    }

    /**
     * A verdict for each, in order, as they come: 1,000 a call, and no more than that in memory. What it throws it
     * throws behind the last verdict that is certain: go on with the item after that one.
     */
    async *submitRegistrants(inputs) {
        for await (const batch of batches(inputs)) {
            const results = await this.#mutation('submitRegistrants', {inputs: batch});
            for (const [place, result] of results.entries()) {
                yield verdict(batch[place], result);
            }
        }
    }

    /** Everybody or nobody. `BookingRefused` has a problem for each person. */
    submitBooking(input, {key} = {}) {
        return this.#mutation('submitBooking', {input}, key);
    }

    verifyRegistrant(ref, {posko, at, key} = {}) {
        return this.#mutation('verifyRegistrant', {ref, posko, at}, key);
    }

    departRegistrant(ref, {healthy, at, key}) {
        return this.#mutation('departRegistrant', {ref, healthy, at}, key);
    }

    cancelRegistrant(ref, reason, {key} = {}) {
        return this.#mutation('cancelRegistrant', {ref, reason}, key);
    }

    correctRegistrant(ref, input, {key} = {}) {
        return this.#mutation('correctRegistrant', {ref, input}, key);
    }

    /** A verdict for each person. */
    verifyBooking(reference, {posko, at, organizer, key} = {}) {
        return this.#mutation('verifyBooking', {reference, posko, at, organizer}, key);
    }

    /** A verdict for each person. */
    departBooking(reference, {healthy, direction = 'MUDIK', service = 'PASSENGER', at, organizer, key}) {
        return this.#mutation('departBooking', {reference, healthy, direction, service, at, organizer}, key);
    }

    /** A verdict for each person. */
    cancelBooking(reference, reason, {organizer, key} = {}) {
        return this.#mutation('cancelBooking', {reference, reason, organizer}, key);
    }

    // --- looking up ---

    /** One of yours, or null. NIK and name come if `fields` asks for them, as in `'id status nik name'`. */
    registrant(ref, {fields = REGISTRANT, purpose} = {}) {
        return this.#query('registrant', {ref, purpose}, fields);
    }

    registrants(where = null, {fields = REGISTRANT} = {}) {
        return this.#pages('registrants', {where}, fields);
    }

    booking(reference, {organizer, fields = REGISTRANT} = {}) {
        return this.#query('booking', {reference, organizer}, fields);
    }

    // --- files ---

    /**
     * Sends an .xlsx or .csv of the 12 columns, which its name tells. It is read as a job: wait with `importOver`. `order` has
     * `dryRun`, `mode`, `changes`, `asOf`, `evenThough`, `season`, `day`, `covers`. Throws `Refused`.
     */
    importFile(name, content, {key = null, ...order} = {}) {
        const given = Object.entries(order).filter(([, value]) => (value ?? null) !== null);
        const query = given.length > 0 ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : '';
        const headers = {
            'Content-Type': MEDIA[name.split('.').at(-1).toLowerCase()] ?? 'application/octet-stream',
            'Idempotency-Key': `"${key ?? crypto.randomUUID()}"`,
        };
        return this.#answered('POST', `/import${query}`, headers, content, having('id'));
    }

    /** Waits until an import is done. Throws `Refused` when the file could not be read. */
    async importOver(id, {everySeconds = 2} = {}) {
        for (;;) {
            const job = await this.#answered('GET', `/import/${id}`, {}, undefined, having('id'));
            if (job.state === 'FAILED') {
                throw new Refused(job.failure.code, job.failure.message);
            }
            if (job.state === 'DONE') {
                return job;
            }
            await pause(everySeconds);
        }
    }

    /** The file that was sent, with `hasil` and `keterangan` for each row: its bytes. */
    importResult(id, {format = 'csv'} = {}) {
        return this.#answered('GET', `/import/${id}/result.${format}`, {Accept: '*/*'}, undefined, wholeFile);
    }

    // --- the feed ---

    /**
     * Every change of yours, in order, from the cursor on; without one from the beginning of the log, or `fromNow`.
     *
     * `cursor` is a file, or whatever loads and saves. It is saved when a change has been handled: when the next one is
     * asked for. So nothing is missed, and after a crash the last one comes again. `everySeconds` is how often the
     * registry is asked when there is nothing new; null ends at the end.
     */
    async *follow(cursor, {everySeconds = 5, fields = REGISTRANT, fromNow = false} = {}) {
        const kept = typeof cursor === 'string' ? new FileCursor(cursor) : cursor;
        if (fromNow && (await kept.load()) === null) {
            await kept.save(await this.#query('endOfChanges', {}));
        }
        for (;;) {
            const page = await this.#changes(kept, fields);
            for (const change of page.nodes) {
                yield change;
                await kept.save(change.cursor);
            }
            if (page.pageInfo.endCursor !== null) {
                await kept.save(page.pageInfo.endCursor);
            }
            if (!page.pageInfo.hasNextPage) {
                if (everySeconds === null) {
                    return;
                }
                await pause(everySeconds);
            }
        }
    }

    async #changes(kept, fields) {
        for (;;) {
            try {
                return await this.#query('changes', {after: await kept.load()}, fields);
            } catch (error) {
                if (!(error instanceof CursorLost) || error.after === null) {
                    throw error;
                }
                console.warn(
                    'Pemudik: the registry has lost the change of our cursor: going on from the last one that is there;' +
                        ' some may come again',
                );
                await kept.save(error.after);
            }
        }
    }

    // --- how it is sent ---

    async #query(name, variables, fields = '') {
        return (await this.execute(QUERIES[name].replace(FIELDS, fields), variables))[name];
    }

    async #mutation(name, variables, key = null) {
        return accepted((await this.execute(MUTATIONS[name], variables, {key}))[name]);
    }

    async *#pages(name, variables, fields = '') {
        let page = {hasNextPage: true, endCursor: null};
        while (page.hasNextPage) {
            const found = await this.#query(name, {...variables, after: page.endCursor}, fields);
            yield* found.nodes;
            page = found.pageInfo;
        }
    }

    #answered(method, path, headers, body, read) {
        const all = {Accept: 'application/json', 'Accept-Language': this.#language, ...headers};
        return this.#patiently(() =>
            this.#authorized((Authorization) => this.#send(method, path, {...all, Authorization}, body, read)),
        );
    }

    /** A token that was refused is asked for anew once. */
    async #authorized(send) {
        const token = await this.#renewed(null);
        try {
            return await send(`Bearer ${token}`);
        } catch (error) {
            if (!(error instanceof Unauthorized) || error.status !== 401) {
                throw error;
            }
        }
        return send(`Bearer ${await this.#renewed(token)}`);
    }

    /** The token that is there, or a new one: one call asks for it, and the others wait. */
    async #renewed(refused) {
        if (this.#given !== null) {
            return this.#given(refused);
        }
        if (this.#kept !== null && this.#kept.token !== refused && performance.now() < this.#kept.until) {
            return this.#kept.token;
        }
        this.#asking ??= this.#asked().finally(() => {
            this.#asking = null;
        });
        return this.#asking;
    }

    async #asked() {
        const until = performance.now() - RENEWED_BEFORE_END_SECONDS * 1000;
        const {headers, form} = await this.#prove();
        const all = {...headers, 'Content-Type': 'application/x-www-form-urlencoded'};
        const body = String(new URLSearchParams({grant_type: 'client_credentials', ...form}));
        const answer = await this.#send('POST', TOKEN_PATH, all, body, having('access_token'));
        this.#kept = {token: answer.access_token, until: until + answer.expires_in * 1000};
        return answer.access_token;
    }

    async #patiently(attempt) {
        const until = performance.now() + this.#patienceSeconds * 1000;
        for (let tries = 0; ; tries++) {
            try {
                return await attempt();
            } catch (error) {
                const seconds = error instanceof TryLater ? pauseSeconds(tries, error.retryAfter) : Infinity;
                if (performance.now() + seconds * 1000 > until) {
                    throw error;
                }
                await pause(seconds);
            }
        }
    }

    /** What `read` makes of an answer. */
    async #send(method, path, headers, body, read) {
        let answer;
        let bytes;
        try {
            const signal = AbortSignal.timeout(TIMEOUT_SECONDS * 1000);
            answer = await fetch(this.#url + path, {method, headers, body, signal, redirect: 'manual'});
            bytes = new Uint8Array(await answer.arrayBuffer());
        } catch {
            throw new Unreachable();
        }
        return read(answer, bytes);
    }
}

// --- who the client is ---

function proofBySecret(clientId, clientSecret) {
    const credentials = [clientId, clientSecret].map((part) => encodeURIComponent(part)).join(':');
    return {headers: {Authorization: `Basic ${btoa(credentials)}`}, form: {}};
}

/** An assertion of RFC 7523 (`private_key_jwt`): the registry takes it once, so each request has a new one. */
async function proofBySignature(clientId, privateKey, audience) {
    const now = Math.floor(Date.now() / 1000);
    const claims = {iss: clientId, sub: clientId, aud: audience, jti: crypto.randomUUID(), iat: now, exp: now + 60};
    const signed = `${base64url(encoded({alg: 'ES256', typ: 'JWT'}))}.${base64url(encoded(claims))}`;
    const key = typeof privateKey === 'string' ? await keyOf(privateKey) : privateKey;
    const how = {name: 'ECDSA', hash: 'SHA-256'};
    const signature = new Uint8Array(await crypto.subtle.sign(how, key, new TextEncoder().encode(signed)));
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    return {headers: {}, form: {client_assertion_type: type, client_assertion: `${signed}.${base64url(signature)}`}};
}

/** The JWK Set to give to whoever issues the client. It holds no secret. */
export async function publicKeys(privateKey) {
    const {kty, crv, x, y} = await crypto.subtle.exportKey('jwk', await keyOf(privateKey));
    return JSON.stringify({keys: [{kty, crv, x, y, use: 'sig', alg: 'ES256'}]});
}

function keyOf(pem) {
    const bytes = bytesOf(pem.replace(/-----[A-Z ]+-----|\s/g, ''));
    return crypto.subtle.importKey('pkcs8', bytes, {name: 'ECDSA', namedCurve: 'P-256'}, true, ['sign']);
}

function encoded(value) {
    return new TextEncoder().encode(JSON.stringify(value));
}

function base64url(bytes) {
    return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

// --- what an answer means ---

/** Reads JSON with `awaited` in it. */
function having(awaited) {
    return (answer, bytes) => {
        const content = parsed(new TextDecoder().decode(bytes));
        if ([200, 202].includes(answer.status) && (content[awaited] ?? null) !== null && !content.errors?.length) {
            return content;
        }
        throw errorOf(answer, content);
    };
}

function wholeFile(answer, bytes) {
    if (answer.status === 200) {
        return bytes;
    }
    throw errorOf(answer, parsed(new TextDecoder().decode(bytes)));
}

function parsed(text) {
    try {
        const content = JSON.parse(text);
        return typeof content === 'object' && content !== null ? content : {};
    } catch {
        return {};
    }
}

function errorOf({status, headers}, content) {
    const [code, message, facts] = toldBy(status, content);
    const retryAfter = facts.retryAfter ?? secondsOf(headers.get('retry-after'));
    if (status === 401 || status === 403) {
        return new Unauthorized(code, message, status);
    }
    if (BUSY.includes(status) || LATER.includes(code) || (status === 200 && facts.retryAfter !== undefined)) {
        return new TryLater(code, message, retryAfter);
    }
    if (code === 'CURSOR_LOST') {
        return new CursorLost(code, message, facts.after ?? null);
    }
    if (status >= 500 || code === 'INTERNAL_ERROR' || code.startsWith(OF_NOBODY)) {
        return new RegistryFailed(code, message, facts.errorId ?? null);
    }
    return new Refused(code, message, facts);
}

/** Code, message and facts: as GraphQL, the doors of files, the token endpoint, or nobody of us says them. */
function toldBy(status, {errors, error, error_description: description}) {
    if (errors?.[0] instanceof Object) {
        const facts = errors[0].extensions ?? {};
        return [facts.code ?? 'GRAPHQL_VALIDATION_FAILED', errors[0].message ?? '', facts];
    }
    if (typeof error?.code === 'string') {
        return [error.code, String(error.message ?? ''), error];
    }
    if (typeof error === 'string' && /^[a-z_]+$/.test(error)) {
        return [error.toUpperCase(), String(description ?? error), {}];
    }
    return [`${OF_NOBODY}${status}`, `Status ${status} without an answer of the registry.`, {}];
}

/** `Retry-After` of RFC 9110: seconds, or a date. */
function secondsOf(retryAfter) {
    if (retryAfter === null || /^\d+$/.test(retryAfter)) {
        return retryAfter === null ? null : Number(retryAfter);
    }
    const at = Date.parse(retryAfter);
    return Number.isNaN(at) ? null : Math.max(0, (at - Date.now()) / 1000);
}

/** As long as the registry says; else longer each time. Spread, so that not everybody comes back at once. */
function pauseSeconds(tries, retryAfter) {
    if (retryAfter !== null) {
        return retryAfter * (1 + Math.random() / 10);
    }
    return Math.min(FIRST_PAUSE_SECONDS * 2 ** Math.min(tries, 16), LONGEST_PAUSE_SECONDS) * (0.5 + Math.random() / 2);
}

function pause(seconds) {
    return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

async function* batches(items) {
    let batch = [];
    for await (const item of items) {
        batch.push(item);
        if (batch.length === BATCH) {
            yield batch;
            batch = [];
        }
    }
    if (batch.length > 0) {
        yield batch;
    }
}

/** What a mutation answered. A list is left as it is: it has a verdict for each item. */
function accepted(result) {
    if (Array.isArray(result)) {
        return result;
    }
    if (result.code !== undefined) {
        throw new Refused(result.code, result.message, result);
    }
    if (result.problems !== undefined) {
        throw new BookingRefused(result.problems);
    }
    return result.people ?? result;
}

/** Either `answer` or `problem` is there. `input` names a person, so nothing that prints a verdict shows it. */
function verdict(input, result) {
    const refused = result.code !== undefined;
    const made = {answer: refused ? null : result, problem: refused ? result : null};
    return Object.defineProperty(made, 'input', {value: input});
}

// --- where a follower of the feed stands ------------------------------------------------------------------------------

/** A file that is replaced as a whole: after a crash it holds the cursor before, or the one after. For Node. */
export class FileCursor {
    #path;

    constructor(path) {
        this.#path = path;
    }

    async load() {
        const files = await import('node:fs/promises');
        return (await files.readFile(this.#path, 'ascii').catch(orMissing('')))?.trim() || null;
    }

    async save(cursor) {
        await replace(this.#path, cursor);
    }
}

/** For what a file holds that need not be there. */
function orMissing(instead) {
    return (error) => {
        if (error.code === 'ENOENT') {
            return instead;
        }
        throw error;
    };
}

/** Written beside, brought to the disk, and put in place. */
async function replace(path, text) {
    const files = await import('node:fs/promises');
    const beside = `${path}.${crypto.randomUUID()}.new`;
    await written(beside, text);
    await files.rename(beside, path);
}

async function written(path, text) {
    const files = await import('node:fs/promises');
    const file = await files.open(path, 'w', 0o600);
    try {
        await file.writeFile(text);
        await file.sync();
    } catch (error) {
        // Such as a disk that is full. A half of a file may name a person.
        await files.unlink(path);
        throw error;
    } finally {
        await file.close();
    }
}

// --- webhooks ---------------------------------------------------------------------------------------------------------

/** How old a webhook may be, and how far ahead of our clock. */
const TOLERANCE_SECONDS = 300;

/**
 * The event, verified as Standard Webhooks says; no more than five minutes off. `body` is what arrived, byte by byte:
 * text or bytes, not JSON that was read and written again. `headers` is an object or `Headers`. Throws `BadSignature`.
 */
export async function verifyWebhook(secret, headers, body, {now = Date.now() / 1000} = {}) {
    const pairs = headers instanceof Headers ? [...headers] : Object.entries(headers);
    const given = Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]));
    const {'webhook-id': id = '', 'webhook-timestamp': timestamp = '', 'webhook-signature': all = ''} = given;
    if (id === '' || !/^[0-9]{1,11}$/.test(timestamp)) {
        throw new BadSignature('webhook-id or webhook-timestamp are missing, or are none.');
    }
    const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
    const how = {name: 'HMAC', hash: 'SHA-256'};
    const key = await crypto.subtle.importKey('raw', bytesOf(secret.replace(/^whsec_/, '')), how, false, ['verify']);
    const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`);
    let found = 0;
    for (const signature of all.split(' ').filter((one) => one.startsWith('v1,'))) {
        // Each is compared, and each in constant time.
        found += Number(await crypto.subtle.verify('HMAC', key, bytesOf(signature.slice(3)), signed));
    }
    if (found === 0) {
        throw new BadSignature('No signature in webhook-signature is of this secret and body.');
    }
    if (Math.abs(now - Number(timestamp)) > TOLERANCE_SECONDS) {
        throw new BadSignature('webhook-timestamp is more than five minutes off: a replay, or a clock that is wrong.');
    }
    const content = JSON.parse(text);
    return {id, type: content.type, timestamp: content.timestamp, data: content.data};
}

/** No bytes at all of what is no base64. */
function bytesOf(base64) {
    try {
        return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    } catch {
        return new Uint8Array();
    }
}

// --- the outbox -------------------------------------------------------------------------------------------------------

/** So often the registry may fail at one item. Then the item is put aside, since it may be what fails. */
const MOST_FAILURES = 10;
const LONGEST_OUTBOX_PAUSE_SECONDS = 300;
/** A file in the making is of a process that is gone when it is older than this. */
const LEFT_BEHIND_SECONDS = 3600;

/**
 * An outbox in a folder, a file for each item: a registration is written down before it is sent, so the registry may be
 * away meanwhile. For Node, which has SQLite only from version 22 on.
 *
 * Each is sent under the key that it got when it was written, so that it is done once, whatever is killed when. They are
 * sent in order: nobody passes the one that waits. Only one process sends at a time. The files hold NIKs until they are
 * accepted: the folder is made for its owner alone (0700).
 */
export class Outbox {
    #folder;
    #files;

    constructor(folder, files) {
        this.#folder = folder;
        this.#files = files;
    }

    static async open(folder) {
        const files = await import('node:fs/promises');
        await files.mkdir(folder, {recursive: true, mode: 0o700});
        return new Outbox(folder, files);
    }

    /** Writes down what is to be sent, such as `put('submitRegistrant', {input})`. When it has answered, it is safe. */
    async put(operation, variables) {
        const document = MUTATIONS[operation];
        // Of a list some may be refused and others not; an item is either accepted or refused.
        if (document === undefined || operation === 'submitRegistrants') {
            throw new TypeError(`${operation} cannot be put into an outbox.`);
        }
        const item = {operation, document, variables, ...FRESH(), putAt: Date.now() / 1000};
        const beside = `${this.#folder}/${item.key}.new`;
        await written(beside, JSON.stringify(item));
        // A number is taken by the file that bears it: who comes second takes the next one.
        for (let id = ((await this.#ids()).at(-1) ?? 0) + 1; ; id++) {
            const taken = await this.#files.link(beside, this.#path(id)).then(() => true, orTaken);
            if (taken) {
                await this.#files.unlink(beside);
                await this.#sync();
                return id;
            }
        }
    }

    /**
     * Sends what is due, in order, and tells what became of each. Ends when nothing is, or another process sends.
     * Throws `Unauthorized`; then nothing is lost, and nothing was counted.
     */
    async *send(client) {
        if (!(await this.#lock())) {
            return;
        }
        try {
            await this.#sweep();
            for await (const item of this.#due()) {
                const sent = await this.#sent(item, client);
                if (sent === null) {
                    return;
                }
                yield sent;
            }
        } finally {
            await this.#unlock();
        }
    }

    async waiting() {
        return (await this.#items()).filter((item) => item.state === 'WAITING').length;
    }

    /** What was refused, until `again` or `forget` says what becomes of it. */
    async refused() {
        const refused = (await this.#items()).filter((item) => item.state === 'REFUSED');
        return refused.map(({id, operation, problem, variables}) =>
            Object.defineProperty({id, operation, problem}, 'variables', {value: variables}),
        );
    }

    /** Sends a refused item once more, put right if `variables` are given. It is judged anew. */
    async again(id, variables) {
        const item = await this.#read(id);
        if (item?.state === 'REFUSED') {
            // A key remembers a refusal for 24 hours: who asks anew asks under another one.
            const {problem, ...kept} = item;
            await this.#write({...kept, ...FRESH(), variables: variables ?? item.variables});
        }
    }

    /** Deletes a refused item, with what it knows of a person. */
    async forget(id) {
        if ((await this.#read(id))?.state === 'REFUSED') {
            await this.#write({id, state: 'ENDED'});
        }
    }

    async #sent(item, client) {
        try {
            const data = await client.execute(item.document, item.variables, {key: item.key});
            const answer = accepted(data[item.operation]);
            // From here on nothing here knows the person any more.
            await this.#write({id: item.id, state: 'ENDED'});
            return {id: item.id, operation: item.operation, answer, problem: null};
        } catch (error) {
            return this.#end(item, error);
        }
    }

    /** Refused for good, or null: to be tried later. Throws what sending again cannot mend. */
    async #end(item, error) {
        if (error instanceof TryLater || (error instanceof RegistryFailed && item.attempts + 1 < MOST_FAILURES)) {
            const longer = pauseSeconds(item.attempts, null) * 2 ** Math.min(item.attempts, 8);
            const seconds = error.retryAfter ?? Math.min(longer, LONGEST_OUTBOX_PAUSE_SECONDS);
            const postponedAt = Date.now() / 1000;
            await this.#write({...item, attempts: item.attempts + 1, postponedAt, notBefore: postponedAt + seconds});
            return null;
        }
        if (!(error instanceof Refused) && !(error instanceof RegistryFailed)) {
            throw error;
        }
        const {code, message, field, standing, retryAfter} = error;
        const problem = {code, message, field, standing, retryAfter};
        await this.#write({...item, state: 'REFUSED', problem});
        return {id: item.id, operation: item.operation, answer: null, problem};
    }

    /**
     * What waits, in order, until somebody has to wait for longer. The folder is read once for all that stand in it, and
     * again until it has nothing new: so a long outbox takes no longer for each item than a short one.
     */
    async *#due() {
        for (let found = true; found; ) {
            found = false;
            const ids = await this.#ids();
            for (const id of ids) {
                const item = await this.#read(id);
                if (item?.state === 'WAITING') {
                    if (!isDue(item, Date.now() / 1000)) {
                        return;
                    }
                    found = true;
                    yield item;
                } else if (item?.state === 'ENDED' && id !== ids.at(-1)) {
                    // The last one stays: it keeps the count.
                    await this.#files.unlink(this.#path(id));
                }
            }
        }
    }

    /** Whoever was killed while it wrote has left a file that nobody reads, and that may name a person. */
    async #sweep() {
        const names = await this.#files.readdir(this.#folder);
        for (const path of names.filter((name) => name.endsWith('.new')).map((name) => `${this.#folder}/${name}`)) {
            const at = (await this.#files.stat(path).catch(orMissing(null)))?.mtimeMs ?? Infinity;
            if (Date.now() - at > LEFT_BEHIND_SECONDS * 1000) {
                await this.#files.unlink(path).catch(orMissing(null));
            }
        }
    }

    /** One file after the other: a process may have some hundred files open, and an outbox has more. */
    async #items() {
        const items = [];
        for (const id of await this.#ids()) {
            items.push(await this.#read(id));
        }
        return items.filter((item) => item !== null);
    }

    async #ids() {
        const names = await this.#files.readdir(this.#folder);
        return names.filter((name) => /^\d+\.json$/.test(name)).map((name) => parseInt(name, 10)).sort((a, b) => a - b);
    }

    async #read(id) {
        const text = await this.#files.readFile(this.#path(id), 'utf8').catch(orMissing(null));
        return text === null ? null : {...JSON.parse(text), id};
    }

    async #write(item) {
        await replace(this.#path(item.id), JSON.stringify(item));
        await this.#sync();
    }

    /** A name of a file is on the disk once its folder is. */
    async #sync() {
        const folder = await this.#files.open(this.#folder, 'r');
        await folder.sync().finally(() => folder.close());
    }

    #path(id) {
        return `${this.#folder}/${String(id).padStart(12, '0')}.json`;
    }

    /**
     * Whether no other process sends. The lock of one that was killed is taken over. Should two take it over in the same
     * instant, both send under the same key, so it is still done once.
     */
    async #lock() {
        const path = `${this.#folder}/sending`;
        const lock = () => this.#files.writeFile(path, String(process.pid), {flag: 'wx'}).then(() => true, orTaken);
        if (!(await lock())) {
            const holder = Number(await this.#files.readFile(path, 'ascii').catch(orMissing('0')));
            const at = (await this.#files.stat(path).catch(orMissing(null)))?.mtimeMs ?? 0;
            const lives = holder === process.pid ? SENDING.has(path) : runs(holder);
            if (lives && Date.now() - at < LOCKED_FOR_SECONDS * 1000) {
                return false;
            }
            await this.#files.unlink(path).catch(orMissing(null));
            if (!(await lock())) {
                return false;
            }
        }
        const beat = () => this.#files.utimes(path, new Date(), new Date()).catch(() => null);
        SENDING.set(path, setInterval(beat, (LOCKED_FOR_SECONDS / 6) * 1000).unref());
        return true;
    }

    async #unlock() {
        const path = `${this.#folder}/sending`;
        clearInterval(SENDING.get(path));
        SENDING.delete(path);
        await this.#files.unlink(path).catch(orMissing(null));
    }
}

/** The locks of this process, each with what keeps it fresh. */
const SENDING = new Map();
/** One that was not kept fresh for so long is of a process that is gone. */
const LOCKED_FOR_SECONDS = 60;
const FRESH = () => ({key: crypto.randomUUID(), state: 'WAITING', attempts: 0, postponedAt: 0, notBefore: 0});

/** Before the instant at which it was postponed a clock was set back: nobody waits for that clock. */
function isDue({postponedAt, notBefore}, now) {
    return !(postponedAt <= now && now < notBefore);
}

function orTaken(error) {
    if (error.code === 'EEXIST') {
        return false;
    }
    throw error;
}

function runs(pid) {
    try {
        return pid > 0 && process.kill(pid, 0);
    } catch (error) {
        return error.code === 'EPERM';
    }
}
