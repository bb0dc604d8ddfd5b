// A receiver of webhooks: verified over the body as it came, done once, answered at once.

import {createServer} from 'node:http';

import {BadSignature, verifyWebhook} from '../pemudik.js';

const {WEBHOOK_SECRET, PORT} = process.env;
/** A real receiver keeps them in its database. */
const seen = new Set();

createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) {
        chunks.push(chunk);
    }
    try {
        const event = await verifyWebhook(WEBHOOK_SECRET, request.headers, Buffer.concat(chunks));
        if (!seen.has(event.id)) {
            seen.add(event.id);
            console.log(event.type, event.data);
        }
        response.writeHead(204).end();
    } catch (error) {
        if (!(error instanceof BadSignature)) {
            throw error;
        }
        response.writeHead(400).end(error.message);
    }
}).listen(Number(PORT), '127.0.0.1');
