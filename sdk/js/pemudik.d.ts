// The names are those of schema.graphql.

export type Direction = 'MUDIK' | 'BALIK';
export type Service = 'PASSENGER' | 'MOTORCYCLE';
export type IdentityDocument = 'KTP' | 'SIM' | 'KK' | 'KIA';

export interface Applicant {
    nik: string;
    name: string;
}

export interface Motorcycle {
    plate: string;
    registrationNumber: string;
}

export interface SubmitRegistrant {
    nik: string;
    name: string;
    routeId: string;
    identityDocument: IdentityDocument;
    returnRouteId?: string;
    registeredAt?: string;
    reference?: string;
    motorcycle?: Motorcycle;
    member?: string;
    bookedBy?: Applicant;
    lapInfant?: boolean;
    hold?: string;
    returnHold?: string;
}

export interface SubmitBooking {
    reference: string;
    registrants: SubmitRegistrant[];
    bookedBy?: Applicant;
    member?: string;
    hold?: string;
    returnHold?: string;
}

export interface Correction {
    reason: string;
    nik?: string;
    name?: string;
    identityDocument?: IdentityDocument;
    reference?: string;
    motorcycle?: Motorcycle;
}

export type RegistrantRef =
    | {id: string}
    | {reference: string}
    | {nik: {nik: string; direction?: Direction; service?: Service}};

export interface Organizer {
    code: string;
    name: string;
}

export interface Standing {
    organizer: Organizer;
    direction: Direction;
    service: Service;
    status: string;
    registeredOn: string;
    own: boolean;
}

export interface Problem {
    code: string;
    message: string;
    field: string | null;
    standing: Standing | null;
    allowed: string[] | null;
    retryAfter: number | null;
}

export interface Warned {
    code: string;
    message: string;
}

export interface NikCheck {
    outcome: string;
    available: boolean;
    message: string;
    standing: Standing[];
    block: {reason: string; untilSeason: number | null} | null;
    outboundStands: boolean | null;
    warnings: Warned[];
    claims: {direction: Direction; service: Service; outcome: string; available: boolean; message: string}[];
    problem: Problem | null;
}

/** Without NIK and name: these are asked for by `fields`, and stand in no log by accident. */
export interface Registrant {
    id: string;
    reference: string | null;
    direction: Direction;
    service: Service;
    status: string;
    registeredAt: string;
    verifyBy: string | null;
    route: {id: string; name: string; departsAt: string | null};
}

export interface Submission {
    replayed: boolean;
    registrant: Registrant;
    return: Registrant | null;
    warnings: Warned[];
}

export interface SubmittedBooking {
    booking: {reference: string; people: number; lapInfants: number};
    submissions: Submission[];
}

export interface SeatHold {
    id: string;
    seats: number;
    endsAt: string;
}

export interface PersonOfBooking {
    registrants: Registrant[];
    problem: Problem | null;
}

export interface Route {
    id: string;
    name: string;
    direction: Direction;
    service: Service;
    departsAt: string | null;
    quota: number | null;
    remaining: number | null;
    origin: {name: string; city: string};
    destination: {name: string; city: string};
}

export interface Change {
    cursor: string;
    at: string;
    kind: string;
    from: string | null;
    to: string | null;
    reason: string | null;
    /** As `fields` asks for it. */
    registrant: Record<string, any>;
}

/** Either `answer` or `problem` is there. `input` is not shown by what prints a verdict. */
export interface Verdict {
    readonly input: SubmitRegistrant;
    answer: Submission | null;
    problem: Problem | null;
}

export interface ImportOrder {
    dryRun?: boolean;
    mode?: 'UPSERT' | 'SNAPSHOT';
    changes?: 'REPORT' | 'APPLY';
    asOf?: string;
    evenThough?: boolean;
    season?: number;
    day?: string;
    covers?: string[];
}
export interface Import {
    id: string;
    state: 'QUEUED' | 'RUNNING' | 'DONE' | 'FAILED';
    mode: string;
    changes: string;
    dryRun: boolean;
    season: number;
    day: string | null;
    rowsRead: number;
    rowsDone: number;
    new: number;
    updated: number;
    unchanged: number;
    stale: number;
    refused: number;
    codes: Record<string, number>;
    missing: number | null;
    failure: {code: string; message: string} | null;
    resultPath: string | null;
}

export class PemudikError extends Error {
    code: string;
}
export class Refused extends PemudikError {
    field: string | null;
    standing: Standing | null;
    allowed: string[] | null;
    retryAfter: number | null;
}
export class BookingRefused extends Refused {
    problems: (Problem | null)[];
}
export class CursorLost extends Refused {
    after: string | null;
}
export class Unauthorized extends PemudikError {
    status: number;
}
export class TryLater extends PemudikError {
    retryAfter: number | null;
}
export class Unreachable extends TryLater {}
export class RegistryFailed extends PemudikError {
    errorId: string | null;
}
export class BadSignature extends PemudikError {}

type Token = (refused: string | null) => string | Promise<string>;
type Items<T> = Iterable<T> | AsyncIterable<T>;
type Key = {key?: string | null};

export class Pemudik {
    constructor(
        options: {url: string; language?: 'id' | 'en'; patienceSeconds?: number} & (
            | {clientId: string; clientSecret: string}
            | {clientId: string; privateKey: string | CryptoKey; audience?: string}
            | {token: Token}
        ),
    );
    token(): Promise<string>;
    execute(document: string, variables?: Record<string, unknown>, options?: Key): Promise<any>;
    checkNik(nik: string, options?: {direction?: Direction; service?: Service}): Promise<NikCheck>;
    checkNiks(
        niks: Items<string>,
        options?: {direction?: Direction; service?: Service},
    ): AsyncGenerator<NikCheck, void>;
    routes(where?: Record<string, unknown> | null): AsyncGenerator<Route, void>;
    holdSeats(routeId: string, options?: {seats?: number; minutes?: number} & Key): Promise<SeatHold>;
    giveBackSeats(hold: string, options?: Key): Promise<SeatHold>;
    submitRegistrant(input: SubmitRegistrant, options?: Key): Promise<Submission>;
    submitRegistrants(inputs: Items<SubmitRegistrant>): AsyncGenerator<Verdict, void>;
    submitBooking(input: SubmitBooking, options?: Key): Promise<SubmittedBooking>;
    verifyRegistrant(ref: RegistrantRef, options?: {posko?: string; at?: string} & Key): Promise<Registrant>;
    departRegistrant(ref: RegistrantRef, options: {healthy: boolean; at?: string} & Key): Promise<Registrant>;
    cancelRegistrant(ref: RegistrantRef, reason: string, options?: Key): Promise<Registrant>;
    correctRegistrant(ref: RegistrantRef, input: Correction, options?: Key): Promise<Registrant>;
    verifyBooking(
        reference: string,
        options?: {posko?: string; at?: string; organizer?: string} & Key,
    ): Promise<PersonOfBooking[]>;
    departBooking(
        reference: string,
        options: {healthy: boolean; direction?: Direction; service?: Service; at?: string; organizer?: string} & Key,
    ): Promise<PersonOfBooking[]>;
    cancelBooking(reference: string, reason: string, options?: {organizer?: string} & Key): Promise<PersonOfBooking[]>;
    registrant(
        ref: RegistrantRef,
        options?: {fields?: string; purpose?: string},
    ): Promise<Record<string, any> | null>;
    registrants(
        where?: Record<string, unknown> | null,
        options?: {fields?: string},
    ): AsyncGenerator<Record<string, any>, void>;
    booking(reference: string, options?: {organizer?: string; fields?: string}): Promise<Record<string, any> | null>;
    importFile(name: string, content: BodyInit, options?: ImportOrder & Key): Promise<Import>;
    importOver(id: string, options?: {everySeconds?: number}): Promise<Import>;
    importResult(id: string, options?: {format?: 'csv' | 'xlsx'}): Promise<Uint8Array>;
    follow(
        cursor: string | Cursor,
        options?: {everySeconds?: number | null; fields?: string; fromNow?: boolean},
    ): AsyncGenerator<Change, void>;
}

/** The JWK Set to give to whoever issues the client. It holds no secret. */
export function publicKeys(privateKey: string): Promise<string>;

/** `load` answers what was saved last, or null. `save` is done when it is safe. */
export interface Cursor {
    load(): string | null | Promise<string | null>;
    save(cursor: string): void | Promise<void>;
}

export class FileCursor implements Cursor {
    constructor(path: string);
    load(): Promise<string | null>;
    save(cursor: string): Promise<void>;
}

/** `id` is the same at each attempt: what was done under it need not be done again. */
export interface Event {
    id: string;
    type: string;
    timestamp: string;
    data: Record<string, any>;
}

export function verifyWebhook(
    secret: string,
    headers: Headers | Record<string, any>,
    body: string | Uint8Array,
    options?: {now?: number},
): Promise<Event>;

export interface Sent {
    id: number;
    operation: string;
    answer: any;
    problem: Partial<Problem> | null;
}

export interface RefusedItem {
    id: number;
    operation: string;
    readonly variables: Record<string, any>;
    problem: Partial<Problem>;
}

export class Outbox {
    private constructor();
    static open(folder: string): Promise<Outbox>;
    put(operation: string, variables: Record<string, unknown>): Promise<number>;
    send(client: Pemudik): AsyncGenerator<Sent, void>;
    waiting(): Promise<number>;
    refused(): Promise<RefusedItem[]>;
    again(id: number, variables?: Record<string, unknown>): Promise<void>;
    forget(id: number): Promise<void>;
}

export const QUERIES: Readonly<Record<string, string>>;
export const MUTATIONS: Readonly<Record<string, string>>;
