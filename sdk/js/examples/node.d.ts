// As much of Node as the examples use, for a check without @types/node. With it, nobody needs this file.
declare const process: {env: Record<string, any>};
declare const Buffer: {concat(chunks: Uint8Array[]): Uint8Array};
declare module 'node:fs/promises' {
    export function readFile(path: string): Promise<Uint8Array<ArrayBuffer>>;
    export function readFile(path: string, encoding: string): Promise<string>;
    export function writeFile(path: string, content: Uint8Array): Promise<void>;
}
declare module 'node:http' {
    export function createServer(handler: (request: any, response: any) => void): {
        listen(port: number, host: string): void;
    };
}
