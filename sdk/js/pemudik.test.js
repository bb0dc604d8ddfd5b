// What needs no server. The rest is tried against a real one, by tests/sdk.

import assert from 'node:assert/strict';
import {createServer} from 'node:http';
import files, {mkdtemp, readdir, rm} from 'node:fs/promises';
import {syncBuiltinESMExports} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';

import {FileCursor, Outbox, Pemudik, RegistryFailed, TryLater, Unreachable} from './pemudik.js';

/** Answers each request with the next of these: status, headers, content. */
async function answering(t, ...answers) {
    const asked = [];
    const server = createServer((request, response) => {
        asked.push(request.headers);
        const [status, headers, content] = answers.shift();
        response.writeHead(status, headers).end(content);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    return {url: `http://127.0.0.1:${server.address().port}/`, asked};
}

const client = (url, more = {}) => new Pemudik({url, token: () => 'given', patienceSeconds: 0, ...more});
const folder = async (t) => {
    const made = await mkdtemp(join(tmpdir(), 'pemudik-'));
    t.after(() => rm(made, {recursive: true}));
    return made;
};

test('a browser gives a token of its own, and is told which one was refused', async (t) => {
    const {url, asked} = await answering(t, [401, {}, '{"errors": [{}]}'], [200, {}, '{"data": {"me": 1}}']);
    const told = [];
    const token = (refused) => {
        told.push(refused);
        return refused === null ? 'first' : 'second';
    };
    assert.deepEqual(await client(url, {token}).execute('{ me { id } }'), {me: 1});
    assert.deepEqual(told, [null, 'first']);
    assert.deepEqual(asked.map(({authorization}) => authorization), ['Bearer first', 'Bearer second']);
});

test('a date in Retry-After is understood', async (t) => {
    const at = new Date(Date.now() + 100_000).toUTCString();
    const {url} = await answering(t, [503, {'Retry-After': at}, 'not ours']);
    await assert.rejects(client(url).checkNik('1'), (error) => {
        assert.ok(error instanceof TryLater);
        assert.equal(error.code, 'HTTP_503');
        return error.retryAfter > 95 && error.retryAfter <= 101;
    });
});

test('what nobody of us answered is told as that, and refuses nobody', async (t) => {
    const answers = [
        [200, {}, '<html>'],
        [200, {}, '{"ok": true}'],
        [200, {}, '{"data": null}'],
        [302, {Location: '/'}, ''],
        [400, {}, '{"errors": "none"}'],
        [404, {}, ''],
        [404, {}, '{"error": "Not Found", "path": "/graphql"}'],
        [500, {}, '{}'],
    ];
    const {url} = await answering(t, ...answers);
    for (const [status] of answers) {
        await assert.rejects(
            client(url).checkNik('1'),
            (error) => error instanceof RegistryFailed && error.code === `HTTP_${status}`,
        );
    }
    await assert.rejects(client('http://127.0.0.1:1').checkNik('1'), Unreachable);
});

test('a mutation has a key also where something stands before it', async (t) => {
    const {url, asked} = await answering(t, ...Array.from({length: 2}, () => [200, {}, '{"data": {"me": 1}}']));
    await client(url).execute('# Ours.\nmutation { giveBackSeats(hold: "1") { __typename } }');
    await client(url).execute('{ me { id } }');
    assert.deepEqual(asked.map((headers) => typeof headers['idempotency-key']), ['string', 'undefined']);
});

test('many write into an outbox at once, and nobody is lost', async (t) => {
    const path = join(await folder(t), 'outbox');
    const ids = await Promise.all(
        Array.from({length: 50}, async () => (await Outbox.open(path)).put('submitRegistrant', {input: {}})),
    );
    assert.deepEqual(ids.toSorted((a, b) => a - b), Array.from({length: 50}, (_, place) => place + 1));
    assert.equal(await (await Outbox.open(path)).waiting(), 50);
    assert.ok((await readdir(path)).every((name) => /^\d{12}\.json$/.test(name)));
});

test('a failing registry is asked ten times, then the item is put aside', async (t) => {
    const {url} = await answering(t, ...Array.from({length: 10}, () => [500, {}, '{}']));
    const path = join(await folder(t), 'outbox');
    const outbox = await Outbox.open(path);
    await outbox.put('submitRegistrant', {input: {}});
    t.mock.timers.enable({apis: ['Date'], now: Date.now()});
    for (let times = 0; times < 9; times++) {
        for await (const sent of outbox.send(client(url))) {
            assert.fail(`It ended: ${sent.id}`);
        }
        t.mock.timers.tick(301_000);
    }
    for await (const sent of outbox.send(client(url))) {
        assert.equal(sent.problem.code, 'HTTP_500');
    }
    assert.deepEqual([await outbox.waiting(), (await outbox.refused()).length], [0, 1]);
});

test('a long outbox is counted and sent: few files are open at once, and the folder is read a few times', async (t) => {
    const many = 300;
    const accepted = [200, {}, '{"data": {"submitRegistrant": {"replayed": false}}}'];
    const {url} = await answering(t, ...Array.from({length: many}, () => accepted));
    const path = join(await folder(t), 'outbox');
    const outbox = await Outbox.open(path);
    for (let place = 0; place < many; place++) {
        await outbox.put('submitRegistrant', {input: {}});
    }
    assert.equal(await outbox.waiting(), many);
    const readdir = t.mock.method(files, 'readdir');
    syncBuiltinESMExports();
    const sent = [];
    for await (const {id} of outbox.send(client(url))) {
        sent.push(id);
    }
    assert.deepEqual(sent, Array.from({length: many}, (_, place) => place + 1));
    assert.ok(readdir.mock.callCount() < 5, `It was read ${readdir.mock.callCount()} times.`);
    // The last one keeps the count, and nobody in mind.
    assert.deepEqual((await files.readdir(path)).sort(), ['000000000300.json']);
    assert.equal(await outbox.put('submitRegistrant', {input: {}}), many + 1);
});

test('nobody waits for a clock that was set back', async (t) => {
    const busy = [503, {'Retry-After': '3600'}, ''];
    const {url} = await answering(t, busy, [200, {}, '{"data": {"submitRegistrant": {"replayed": false}}}']);
    const outbox = await Outbox.open(join(await folder(t), 'outbox'));
    await outbox.put('submitRegistrant', {input: {}});
    const send = async () => {
        for await (const {answer} of outbox.send(client(url))) {
            return answer;
        }
        return null;
    };
    const now = Date.now();
    t.mock.timers.enable({apis: ['Date'], now: now + 3_000_000_000});
    assert.equal(await send(), null);
    t.mock.timers.tick(3_000_000);
    assert.equal(await send(), null);
    t.mock.timers.setTime(now);
    assert.deepEqual(await send(), {replayed: false});
});

test('an item that could never be sent is not taken', async (t) => {
    const path = join(await folder(t), 'outbox');
    const outbox = await Outbox.open(path);
    for (const operation of ['submitRegistrants', 'submitRegistrantt']) {
        await assert.rejects(outbox.put(operation, {}), /cannot be put into an outbox/);
    }
    assert.deepEqual(await readdir(path), []);
});

test('whoever was killed while it wrote leaves nobody named for ever', async (t) => {
    const path = join(await folder(t), 'outbox');
    const outbox = await Outbox.open(path);
    const hourAgo = Date.now() / 1000 - 3700;
    for (const name of ['killed.new', 'writing.new']) {
        await files.writeFile(join(path, name), '{"variables": {"input": {"nik": "3171');
    }
    await files.utimes(join(path, 'killed.new'), hourAgo, hourAgo);
    for await (const {id} of outbox.send(client('http://127.0.0.1:1'))) {
        assert.fail(`It was sent: ${id}`);
    }
    assert.deepEqual(await readdir(path), ['writing.new']);
});

test('a cursor is what was saved last', async (t) => {
    const cursor = new FileCursor(join(await folder(t), 'cursor'));
    assert.equal(await cursor.load(), null);
    await cursor.save('a');
    await cursor.save('b');
    assert.equal(await cursor.load(), 'b');
});
