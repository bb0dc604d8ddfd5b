// What needs no server. The rest is tried against a real one, by tests/sdk.

import assert from 'node:assert/strict';
import {createServer} from 'node:http';
import {mkdtemp, readdir, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';

import {FileCursor, Outbox, Pemudik, Refused, RegistryFailed, TryLater, Unreachable} from './pemudik.js';

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

test('what nobody of us answered is told as that', async (t) => {
    const {url} = await answering(t, [200, {}, '<html>'], [302, {Location: '/'}, ''], [404, {}, ''], [500, {}, '{}']);
    for (const [kind, code] of [
        [RegistryFailed, 'HTTP_200'],
        [RegistryFailed, 'HTTP_302'],
        [Refused, 'HTTP_404'],
        [RegistryFailed, 'HTTP_500'],
    ]) {
        await assert.rejects(client(url).checkNik('1'), (error) => error instanceof kind && error.code === code);
    }
    await assert.rejects(client('http://127.0.0.1:1').checkNik('1'), Unreachable);
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

test('a cursor is what was saved last', async (t) => {
    const cursor = new FileCursor(join(await folder(t), 'cursor'));
    assert.equal(await cursor.load(), null);
    await cursor.save('a');
    await cursor.save('b');
    assert.equal(await cursor.load(), 'b');
});
