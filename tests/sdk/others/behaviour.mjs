// What test_behaviour.py has the client of JavaScript do; the answer is JSON.

import {readFile} from 'node:fs/promises';
import {inspect} from 'node:util';

const {SDK, PEMUDIK: url, PEMUDIK_CLIENT_ID: clientId, PEMUDIK_CLIENT_SECRET: clientSecret, ROUTE, PATIENCE} = process.env;
const {MUTATIONS, Outbox, Pemudik, PemudikError, QUERIES, publicKeys, verifyWebhook} = await import(`${SDK}/pemudik.js`);
const BAD_NIK = '3171030000009001';

const client = () => new Pemudik({url, clientId, clientSecret, patienceSeconds: Number(PATIENCE)});
const person = (nik) => ({nik, name: 'Warga Contoh', routeId: ROUTE, identityDocument: 'KTP'});
const told = (error) => {
    if (!(error instanceof PemudikError)) {
        throw error;
    }
    return {error: error.name, code: error.code, message: error.message, retryAfter: error.retryAfter ?? null};
};
const all = async (items) => {
    const list = [];
    for await (const item of items) {
        list.push(item);
    }
    return list;
};

const does = {
    documents: () => ({queries: QUERIES, mutations: MUTATIONS}),
    async submit(...niks) {
        const [pemudik, answers] = [client(), []];
        for (const nik of niks) {
            try {
                answers.push({replayed: (await pemudik.submitRegistrant(person(nik))).replayed});
            } catch (error) {
                answers.push({...told(error), text: inspect(error, {depth: 9, showHidden: true}) + JSON.stringify(error)});
            }
        }
        return answers;
    },
    check: async (...niks) => (await all(client().checkNiks(niks))).map(({outcome}) => outcome),
    async tokens(count) {
        const pemudik = client();
        const tokens = await Promise.all(Array.from({length: Number(count)}, () => pemudik.token()));
        return new Set(tokens).size;
    },
    async stream(first) {
        let taken = 0;
        async function* people() {
            for (let place = 0; place < 1500; place++) {
                taken++;
                yield person(place % 500 === 7 ? BAD_NIK : String(BigInt(first) + BigInt(place)));
            }
        }
        const seen = {atFirst: null, count: 0, refused: [], inOrder: 0, shown: ''};
        for await (const verdict of client().submitRegistrants(people())) {
            seen.atFirst ??= taken;
            seen.shown = inspect(verdict) + JSON.stringify(verdict);
            seen.inOrder += Number(verdict.input.nik === String(BigInt(first) + BigInt(seen.count)));
            if (verdict.problem !== null) {
                seen.refused.push(seen.count);
            }
            seen.count++;
        }
        return seen;
    },
    async file(list, order) {
        const pemudik = client();
        const sent = await pemudik.importFile(list, await readFile(list), JSON.parse(order));
        const result = async () => (await pemudik.importResult((await pemudik.importOver(sent.id)).id)).length;
        return {id: sent.id, ...(await result().then((bytes) => ({bytes}), told))};
    },
    async signed(key, id) {
        const privateKey = await readFile(key, 'utf-8');
        const pemudik = new Pemudik({url, clientId: id, privateKey, audience: process.env.AUDIENCE, patienceSeconds: 0});
        const found = await pemudik.checkNik('3171030101909001').then(({outcome}) => outcome, told);
        return [JSON.parse(await publicKeys(privateKey)), found];
    },
    async follow(cursor, handled) {
        const seen = [];
        for await (const {to, cursor: at} of client().follow(cursor, {everySeconds: null, fromNow: true})) {
            seen.push({to, cursor: at});
            if (seen.length > Number(handled)) {
                break;
            }
        }
        return seen;
    },
    webhook: (cases) =>
        Promise.all(
            JSON.parse(cases).map(([secret, headers, body, now]) =>
                verifyWebhook(secret, headers, body, {now}).then(
                    ({type}) => type,
                    (error) => told(error).code,
                ),
            ),
        ),
    async put(path, ...niks) {
        const [outbox, ids] = [await Outbox.open(path), []];
        for (const nik of niks) {
            ids.push(await outbox.put('submitRegistrant', {input: person(nik)}));
        }
        return ids;
    },
    async send(path, aloud) {
        const sent = [];
        try {
            for await (const {id, problem, answer} of (await Outbox.open(path)).send(client())) {
                sent.push([id, problem?.code ?? answer.replayed]);
                if (aloud) {
                    process.stdout.write(`${JSON.stringify(sent.at(-1))}\n`);
                }
            }
        } catch (error) {
            sent.push(told(error));
        }
        return sent;
    },
    async outbox(path) {
        const outbox = await Outbox.open(path);
        const refused = await outbox.refused();
        return {
            waiting: await outbox.waiting(),
            refused: refused.map(({id, variables, problem}) => [id, variables.input.nik, problem.code]),
            shown: inspect(refused),
        };
    },
    again: async (path, id, nik) => (await Outbox.open(path)).again(Number(id), {input: person(nik)}),
};

const [what, ...words] = process.argv.slice(2);
console.log(JSON.stringify((await does[what](...words)) ?? null));
