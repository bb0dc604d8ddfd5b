<?php

/**
 * Pemudik for organizers, in one file: `require 'Pemudik.php';`. PHP 8.1 or later; the outbox needs pdo_sqlite.
 *
 * The names are those of schema.graphql; what is answered is the plain data of the schema, as arrays.
 */

declare(strict_types=1);

namespace Pemudik;

// --- what can go wrong, by what to do about it -----------------------------------------------------------------------

/** `code` is what to branch on; the message is the registry's own, without a NIK. */
class PemudikError extends \Exception
{
    /** @var string */
    public $code;

    public function __construct(string $code, string $message)
    {
        $nik = '/(?<!\d)(?:\d{12}|\d{6}[ .-]\d{6}[ .-]|\d{4}([ .-])\d{4}\1\d{4}\1)(\d{4})(?!\d)/';
        parent::__construct((string) preg_replace($nik, str_repeat('*', 12) . '$2', $message));
        $this->code = $code;
    }
}

/** The registry said no, and changed nothing. The same again is refused again: docs/refusals.md says what to do. */
class Refused extends PemudikError
{
    public readonly ?string $field;
    /** @var array<string, mixed>|null */
    public readonly ?array $standing;
    /** @var list<string>|null */
    public readonly ?array $allowed;
    public readonly ?int $retryAfter;

    /** @param array<string, mixed> $problem */
    public function __construct(string $code, string $message, array $problem = [])
    {
        parent::__construct($code, $message);
        $this->field = $problem['field'] ?? null;
        $this->standing = $problem['standing'] ?? null;
        $this->allowed = $problem['allowed'] ?? null;
        $this->retryAfter = $problem['retryAfter'] ?? null;
    }
}

/** Nobody of the booking is registered. `problems` has one for each person, in order; null: alone, accepted. */
class BookingRefused extends Refused
{
    /** @param list<array<string, mixed>|null> $problems */
    public function __construct(public readonly array $problems)
    {
        $first = array_values(array_filter($problems))[0];
        parent::__construct($first['code'], $first['message'], $first);
    }
}

/** A failover lost the change at which the cursor stood. `after` is the last place that is still there. */
class CursorLost extends Refused
{
    public function __construct(string $code, string $message, public readonly ?string $after)
    {
        parent::__construct($code, $message);
    }
}

/** Client or secret are wrong, or a scope is missing. Nothing is to be gained by trying again. */
class Unauthorized extends PemudikError
{
    public function __construct(string $code, string $message, public readonly int $status)
    {
        parent::__construct($code, $message);
    }
}

/** The registry is busy or away, for longer than the client's patience. `retryAfter` is in seconds, if told. */
class TryLater extends PemudikError
{
    public function __construct(string $code, string $message, public readonly ?float $retryAfter = null)
    {
        parent::__construct($code, $message);
    }
}

/** Nobody answered. What was sent may have been done: send it again under the same key. */
class Unreachable extends TryLater
{
    public function __construct()
    {
        parent::__construct('UNREACHABLE', 'The registry did not answer.');
    }
}

/** The registry failed; `errorId` is what to name to those who run it. Or somebody else answered in its place. */
class RegistryFailed extends PemudikError
{
    public function __construct(string $code, string $message, public readonly ?string $errorId = null)
    {
        parent::__construct($code, $message);
    }
}

/** A webhook that the registry did not send, or sent too long ago. Answer it with 400, and do nothing. */
class BadSignature extends PemudikError
{
    public function __construct(string $message)
    {
        parent::__construct('BAD_SIGNATURE', $message);
    }
}

// --- what the registry is asked: sdk/python and sdk/js ask the same; a test compares them -----------------------------

final class Documents
{
    public const REGISTRANT = 'id reference direction service status registeredAt verifyBy route { id name departsAt }';
    /** Where a caller says which fields of a registrant it wants. */
    public const FIELDS = '@fields@';
    private const STANDING = 'organizer { code name } direction service status registeredOn own';
    private const PROBLEM = 'code message field standing { ' . self::STANDING . ' } allowed retryAfter';
    private const WARNING = 'code message';
    private const ROUTE = 'id name direction service departsAt quota remaining origin { name city }'
        . ' destination { name city }';
    private const SUBMISSION = 'replayed registrant { ' . self::REGISTRANT . ' } return { ' . self::REGISTRANT
        . ' } warnings { ' . self::WARNING . ' }';
    private const CHECK = 'outcome available message standing { ' . self::STANDING . ' } block { reason untilSeason }'
        . ' outboundStands warnings { ' . self::WARNING . ' } claims { direction service outcome available message }'
        . ' problem { ' . self::PROBLEM . ' }';
    private const HOLD = 'id seats endsAt';
    private const OR_PROBLEM = '... on Problem { ' . self::PROBLEM . ' }';
    private const A_REGISTRANT = '{ ... on Registrant { ' . self::REGISTRANT . ' } ' . self::OR_PROBLEM . ' }';
    private const A_HOLD = '{ ... on SeatHold { ' . self::HOLD . ' } ' . self::OR_PROBLEM . ' }';
    private const A_SUBMISSION = '{ ... on Submission { ' . self::SUBMISSION . ' } ' . self::OR_PROBLEM . ' }';
    private const A_PERSON = 'registrants { ' . self::REGISTRANT . ' } problem { ' . self::PROBLEM . ' }';
    private const VERDICTS = '{ ... on BookingVerdicts { people { ' . self::A_PERSON . ' } } ' . self::OR_PROBLEM . ' }';
    private const A_BOOKING = '{ ... on SubmittedBooking { booking { reference people lapInfants } submissions { '
        . self::SUBMISSION . ' } } ... on RefusedBooking { problems { ' . self::PROBLEM . ' } } '
        . self::OR_PROBLEM . ' }';
    private const PAGE = 'pageInfo { hasNextPage endCursor }';

    public const QUERIES = [
        'checkNik' => 'query checkNik($nik: NIK!, $direction: Direction, $service: Service)'
            . ' { checkNik(nik: $nik, direction: $direction, service: $service) { ' . self::CHECK . ' } }',
        'checkNiks' => 'query checkNiks($niks: [NIK!]!, $direction: Direction, $service: Service)'
            . ' { checkNiks(niks: $niks, direction: $direction, service: $service) { ' . self::CHECK . ' } }',
        'routes' => 'query routes($where: RouteFilter, $after: String)'
            . ' { routes(where: $where, first: 200, after: $after) { nodes { ' . self::ROUTE . ' } ' . self::PAGE . ' } }',
        'registrant' => 'query registrant($ref: RegistrantRef!, $purpose: String)'
            . ' { registrant(ref: $ref, purpose: $purpose) { ' . self::FIELDS . ' } }',
        'registrants' => 'query registrants($where: RegistrantFilter, $after: String)'
            . ' { registrants(where: $where, first: 200, after: $after) { nodes { ' . self::FIELDS . ' } '
            . self::PAGE . ' } }',
        'booking' => 'query booking($reference: String!, $organizer: ID)'
            . ' { booking(reference: $reference, organizer: $organizer)'
            . ' { reference people lapInfants registrants { ' . self::FIELDS . ' } } }',
        'changes' => 'query changes($after: String) { changes(first: 200, after: $after)'
            . ' { nodes { cursor at kind from to reason registrant { ' . self::FIELDS . ' } } ' . self::PAGE . ' } }',
        'endOfChanges' => 'query endOfChanges { endOfChanges }',
    ];

    public const MUTATIONS = [
        'holdSeats' => 'mutation holdSeats($routeId: ID!, $seats: Int! = 1, $minutes: Int! = 15)'
            . ' { holdSeats(routeId: $routeId, seats: $seats, minutes: $minutes) ' . self::A_HOLD . ' }',
        'giveBackSeats' => 'mutation giveBackSeats($hold: ID!) { giveBackSeats(hold: $hold) ' . self::A_HOLD . ' }',
        'submitRegistrant' => 'mutation submitRegistrant($input: SubmitRegistrant!)'
            . ' { submitRegistrant(input: $input) ' . self::A_SUBMISSION . ' }',
        'submitRegistrants' => 'mutation submitRegistrants($inputs: [SubmitRegistrant!]!)'
            . ' { submitRegistrants(inputs: $inputs) ' . self::A_SUBMISSION . ' }',
        'submitBooking' => 'mutation submitBooking($input: SubmitBooking!)'
            . ' { submitBooking(input: $input) ' . self::A_BOOKING . ' }',
        'verifyRegistrant' => 'mutation verifyRegistrant($ref: RegistrantRef!, $posko: String, $at: DateTime)'
            . ' { verifyRegistrant(ref: $ref, posko: $posko, at: $at) ' . self::A_REGISTRANT . ' }',
        'departRegistrant' => 'mutation departRegistrant($ref: RegistrantRef!, $healthy: Boolean!, $at: DateTime)'
            . ' { departRegistrant(ref: $ref, healthy: $healthy, at: $at) ' . self::A_REGISTRANT . ' }',
        'cancelRegistrant' => 'mutation cancelRegistrant($ref: RegistrantRef!, $reason: String!)'
            . ' { cancelRegistrant(ref: $ref, reason: $reason) ' . self::A_REGISTRANT . ' }',
        'verifyBooking' => 'mutation verifyBooking($reference: String!, $posko: String, $at: DateTime, $organizer: ID)'
            . ' { verifyBooking(reference: $reference, posko: $posko, at: $at, organizer: $organizer) '
            . self::VERDICTS . ' }',
        'departBooking' => 'mutation departBooking($reference: String!, $healthy: Boolean!, $at: DateTime,'
            . ' $direction: Direction! = MUDIK, $service: Service! = PASSENGER, $organizer: ID)'
            . ' { departBooking(reference: $reference, healthy: $healthy, at: $at, direction: $direction,'
            . ' service: $service, organizer: $organizer) ' . self::VERDICTS . ' }',
        'cancelBooking' => 'mutation cancelBooking($reference: String!, $reason: String!, $organizer: ID)'
            . ' { cancelBooking(reference: $reference, reason: $reason, organizer: $organizer) ' . self::VERDICTS . ' }',
        'correctRegistrant' => 'mutation correctRegistrant($ref: RegistrantRef!, $input: Correction!)'
            . ' { correctRegistrant(ref: $ref, input: $input) ' . self::A_REGISTRANT . ' }',
    ];
}

/** @throws \InvalidArgumentException without the value: the trace of PHP's own error has it, and it may name a person */
function json(#[\SensitiveParameter] mixed $value): string
{
    $text = json_encode($value, JSON_UNESCAPED_UNICODE);
    return $text !== false ? $text : throw new \InvalidArgumentException('No JSON: ' . json_last_error_msg() . '.');
}

// --- a client that signs instead of sending a secret (RFC 7523, `private_key_jwt`) ------------------------------------

/**
 * An assertion of who the client is, by ES256. The registry takes it once, and within a minute.
 *
 * @internal
 */
function assertion(string $clientId, #[\SensitiveParameter] string $privateKey, string $audience): string
{
    $now = time();
    $claims = ['iss' => $clientId, 'sub' => $clientId, 'aud' => $audience, 'jti' => bin2hex(random_bytes(16))];
    $claims += ['iat' => $now, 'exp' => $now + 60];
    $signed = base64url(json(['alg' => 'ES256', 'typ' => 'JWT'])) . '.' . base64url(json($claims));
    if (!openssl_sign($signed, $signature, keyOf($privateKey), OPENSSL_ALGO_SHA256)) {
        throw new \RuntimeException('The private key cannot sign.');
    }
    return $signed . '.' . base64url(bothNumbers($signature));
}

/** The JWK Set to give to whoever issues the client. It holds no secret. */
function publicKeys(#[\SensitiveParameter] string $privateKey): string
{
    $point = openssl_pkey_get_details(keyOf($privateKey))['ec'];
    $numbers = array_map(static fn (string $number): string => base64url(inBytes($number)), [$point['x'], $point['y']]);
    $key = ['kty' => 'EC', 'crv' => 'P-256', 'x' => $numbers[0], 'y' => $numbers[1], 'use' => 'sig', 'alg' => 'ES256'];
    return json(['keys' => [$key]]);
}

/** @internal */
function keyOf(#[\SensitiveParameter] string $privateKey): \OpenSSLAsymmetricKey
{
    $key = openssl_pkey_get_private($privateKey);
    if ($key === false || (openssl_pkey_get_details($key)['ec']['curve_name'] ?? null) !== 'prime256v1') {
        throw new \InvalidArgumentException('The private key is no EC key on P-256 as PEM.');
    }
    return $key;
}

/**
 * OpenSSL writes the two numbers of a signature in ASN.1; a JWT has them one behind the other (RFC 7518 §3.4).
 *
 * @internal
 */
function bothNumbers(string $signature): string
{
    $length = ord($signature[3]);
    return inBytes(substr($signature, 4, $length)) . inBytes(substr($signature, 6 + $length));
}

/**
 * A number in 32 bytes.
 *
 * @internal
 */
function inBytes(string $number): string
{
    return str_pad(ltrim($number, "\0"), 32, "\0", STR_PAD_LEFT);
}

/** @internal */
function base64url(string $bytes): string
{
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

// --- the client -------------------------------------------------------------------------------------------------------

/** What became of one item of a batch: either `answer` or `problem` is there. */
final class Verdict
{
    /**
     * @param array<string, mixed>|null $answer
     * @param array<string, mixed>|null $problem
     */
    public function __construct(
        #[\SensitiveParameter] public readonly mixed $input,
        public readonly ?array $answer,
        public readonly ?array $problem,
    ) {
    }

    /** @return array<string, mixed> without the person, for logs */
    public function __debugInfo(): array
    {
        return ['answer' => $this->answer, 'problem' => $this->problem];
    }
}

/**
 * A call tries again within `patienceSeconds`, and then throws `TryLater`. `timeoutSeconds` is how long the registry may be
 * silent in a single try; it ends an operation after 30 seconds.
 */
final class Pemudik
{
    /** Items a call, at most: the registry's limit. */
    public const BATCH = 1000;
    private const RENEWED_BEFORE_END_SECONDS = 30;
    private const FIRST_PAUSE_SECONDS = 0.5;
    private const LONGEST_PAUSE_SECONDS = 30.0;
    private const TOKEN_PATH = '/oauth/token';
    private const MEDIA = [
        'xlsx' => 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
        'csv' => 'text/csv',
    ];
    private const LATER = ['IDEMPOTENCY_KEY_IN_USE', 'TIMEOUT'];
    /** Begins the code of an answer that is none of the registry's, such as HTTP_404 of a proxy. */
    private const OF_NOBODY = 'HTTP_';

    /** @var array{token: string, until: float}|null */
    private ?array $kept = null;
    private readonly string $url;

    /**
     * `tokenFile` lets the requests of a web server share a token: a file that nobody else can read. `privateKey` takes the
     * place of the secret: an EC key on P-256 as PEM. `audience` is whom the signature is for, if that is not `url`.
     */
    public function __construct(
        string $url,
        private readonly string $clientId,
        #[\SensitiveParameter] private readonly ?string $clientSecret = null,
        private readonly string $language = 'id',
        private readonly float $patienceSeconds = 60.0,
        private readonly ?string $tokenFile = null,
        private readonly float $timeoutSeconds = 40.0,
        #[\SensitiveParameter] private readonly ?string $privateKey = null,
        private readonly ?string $audience = null,
    ) {
        if (($clientSecret === null) === ($privateKey === null)) {
            throw new \InvalidArgumentException('A client has a secret or a private key.');
        }
        $this->url = rtrim($url, '/');
    }

    /** @return array<string, mixed> without secret and token, for logs */
    public function __debugInfo(): array
    {
        return ['url' => $this->url, 'clientId' => $this->clientId];
    }

    /** The access token in use, for what this client has no method for, such as exports. */
    public function token(): string
    {
        return $this->patiently(fn (): string => $this->renewed(null));
    }

    /**
     * `data` of any document of yours. `key` is an `Idempotency-Key`; a mutation has one in any case, the same one
     * however often it is sent, so it is done once.
     *
     * @param array<string, mixed> $variables
     * @return array<string, mixed>
     */
    public function execute(string $document, #[\SensitiveParameter] array $variables = [], ?string $key = null): array
    {
        $sent = (object) array_filter($variables, static fn (mixed $value): bool => $value !== null);
        $content = json(['query' => $document, 'variables' => $sent]);
        $headers = ['Content-Type: application/json'];
        // The registry takes no notice of a key of what is no mutation.
        if ($key !== null || str_contains($document, 'mutation')) {
            $headers[] = 'Idempotency-Key: "' . ($key ?? self::uuid()) . '"';
        }
        return $this->answered('POST', '/graphql', $headers, $content, 'data')['data'];
    }

    // --- before a registration ---

    /** @return array<string, mixed> */
    public function checkNik(#[\SensitiveParameter] string $nik, ?string $direction = null, ?string $service = null): array
    {
        return $this->query('checkNik', ['nik' => $nik, 'direction' => $direction, 'service' => $service]);
    }

    /**
     * The answer to each NIK, in order, as they come: 1,000 a call, and no more than that in memory.
     *
     * @param iterable<string> $niks
     * @return \Generator<int, array<string, mixed>>
     */
    public function checkNiks(
        #[\SensitiveParameter] iterable $niks,
        ?string $direction = null,
        ?string $service = null,
    ): \Generator {
        foreach (self::batches($niks) as $batch) {
            $variables = ['niks' => $batch, 'direction' => $direction, 'service' => $service];
            foreach ($this->query('checkNiks', $variables) as $check) {
                yield $check;
            }
        }
    }

    /**
     * All routes that fit `where`, such as `['organizer' => 'djka', 'withSeats' => true]`.
     *
     * @param array<string, mixed> $where
     * @return \Generator<int, array<string, mixed>>
     */
    public function routes(array $where = []): \Generator
    {
        return $this->pages('routes', ['where' => $where ?: null]);
    }

    /**
     * Keeps seats while a person fills a form, and no NIK. Its id is `hold` of the submission. Throws `Refused`.
     *
     * @return array<string, mixed>
     */
    public function holdSeats(string $routeId, int $seats = 1, int $minutes = 15, ?string $key = null): array
    {
        return $this->mutation('holdSeats', ['routeId' => $routeId, 'seats' => $seats, 'minutes' => $minutes], $key);
    }

    /** @return array<string, mixed> */
    public function giveBackSeats(string $hold, ?string $key = null): array
    {
        return $this->mutation('giveBackSeats', ['hold' => $hold], $key);
    }

    // --- registrations: each throws `Refused` ---

    /**
     * @param array<string, mixed> $input
     * @return array<string, mixed>
     */
    public function submitRegistrant(#[\SensitiveParameter] array $input, ?string $key = null): array
    {
        return $this->mutation('submitRegistrant', ['input' => $input], $key);
    }

    /**
     * A verdict for each, in order, as they come: 1,000 a call, and no more than that in memory. What it throws it
     * throws behind the last verdict that is certain: go on with the item after that one.
     *
     * @param iterable<array<string, mixed>> $inputs
     * @return \Generator<int, Verdict>
     */
    public function submitRegistrants(#[\SensitiveParameter] iterable $inputs): \Generator
    {
        foreach (self::batches($inputs) as $batch) {
            foreach ($this->mutation('submitRegistrants', ['inputs' => $batch], null) as $place => $result) {
                $refused = isset($result['code']);
                yield new Verdict($batch[$place], $refused ? null : $result, $refused ? $result : null);
            }
        }
    }

    /**
     * Everybody or nobody. `BookingRefused` has a problem for each person.
     *
     * @param array<string, mixed> $input
     * @return array<string, mixed>
     */
    public function submitBooking(#[\SensitiveParameter] array $input, ?string $key = null): array
    {
        return $this->mutation('submitBooking', ['input' => $input], $key);
    }

    /**
     * @param array<string, mixed> $ref
     * @return array<string, mixed>
     */
    public function verifyRegistrant(
        #[\SensitiveParameter] array $ref,
        ?string $posko = null,
        ?string $at = null,
        ?string $key = null,
    ): array {
        return $this->mutation('verifyRegistrant', ['ref' => $ref, 'posko' => $posko, 'at' => $at], $key);
    }

    /**
     * @param array<string, mixed> $ref
     * @return array<string, mixed>
     */
    public function departRegistrant(
        #[\SensitiveParameter] array $ref,
        bool $healthy,
        ?string $at = null,
        ?string $key = null,
    ): array {
        return $this->mutation('departRegistrant', ['ref' => $ref, 'healthy' => $healthy, 'at' => $at], $key);
    }

    /**
     * @param array<string, mixed> $ref
     * @return array<string, mixed>
     */
    public function cancelRegistrant(#[\SensitiveParameter] array $ref, string $reason, ?string $key = null): array
    {
        return $this->mutation('cancelRegistrant', ['ref' => $ref, 'reason' => $reason], $key);
    }

    /**
     * @param array<string, mixed> $ref
     * @param array<string, mixed> $input
     * @return array<string, mixed>
     */
    public function correctRegistrant(
        #[\SensitiveParameter] array $ref,
        #[\SensitiveParameter] array $input,
        ?string $key = null,
    ): array {
        return $this->mutation('correctRegistrant', ['ref' => $ref, 'input' => $input], $key);
    }

    /** @return list<array<string, mixed>> a verdict for each person */
    public function verifyBooking(
        string $reference,
        ?string $posko = null,
        ?string $at = null,
        ?string $organizer = null,
        ?string $key = null,
    ): array {
        $how = ['reference' => $reference, 'posko' => $posko, 'at' => $at, 'organizer' => $organizer];
        return $this->mutation('verifyBooking', $how, $key);
    }

    /** @return list<array<string, mixed>> a verdict for each person */
    public function departBooking(
        string $reference,
        bool $healthy,
        string $direction = 'MUDIK',
        string $service = 'PASSENGER',
        ?string $at = null,
        ?string $organizer = null,
        ?string $key = null,
    ): array {
        $way = ['direction' => $direction, 'service' => $service];
        $how = ['reference' => $reference, 'healthy' => $healthy, 'at' => $at, 'organizer' => $organizer];
        return $this->mutation('departBooking', $how + $way, $key);
    }

    /** @return list<array<string, mixed>> a verdict for each person */
    public function cancelBooking(
        string $reference,
        string $reason,
        ?string $organizer = null,
        ?string $key = null,
    ): array {
        $how = ['reference' => $reference, 'reason' => $reason, 'organizer' => $organizer];
        return $this->mutation('cancelBooking', $how, $key);
    }

    // --- looking up ---

    /**
     * One of yours, or null. NIK and name come if `fields` asks for them, as in `'id status nik name'`.
     *
     * @param array<string, mixed> $ref
     * @return array<string, mixed>|null
     */
    public function registrant(
        #[\SensitiveParameter] array $ref,
        string $fields = Documents::REGISTRANT,
        ?string $purpose = null,
    ): ?array {
        return $this->query('registrant', ['ref' => $ref, 'purpose' => $purpose], $fields);
    }

    /**
     * @param array<string, mixed> $where
     * @return \Generator<int, array<string, mixed>>
     */
    public function registrants(
        #[\SensitiveParameter] array $where = [],
        string $fields = Documents::REGISTRANT,
    ): \Generator {
        return $this->pages('registrants', ['where' => $where ?: null], $fields);
    }

    /** @return array<string, mixed>|null */
    public function booking(
        string $reference,
        ?string $organizer = null,
        string $fields = Documents::REGISTRANT,
    ): ?array {
        return $this->query('booking', ['reference' => $reference, 'organizer' => $organizer], $fields);
    }

    // --- files ---

    /**
     * Sends an .xlsx or .csv of the 12 columns. It is read as a job: wait with `importOver`. Throws `Refused`.
     *
     * @param array<string, mixed> $order `dryRun`, `mode`, `changes`, `asOf`, `evenThough`, `season`, `day`, `covers`
     * @return array<string, mixed>
     */
    public function importFile(string $file, array $order = [], ?string $key = null): array
    {
        $content = file_get_contents($file);
        if ($content === false) {
            throw new \RuntimeException("$file cannot be read.");
        }
        $given = array_filter($order, static fn (mixed $value): bool => $value !== null);
        $query = http_build_query(array_map(
            static fn (mixed $value): string => match (true) {
                is_bool($value) => $value ? 'true' : 'false',
                is_array($value) => implode(',', $value),
                default => (string) $value,
            },
            $given,
        ));
        $media = self::MEDIA[strtolower(pathinfo($file, PATHINFO_EXTENSION))] ?? 'application/octet-stream';
        $headers = ["Content-Type: $media", 'Idempotency-Key: "' . ($key ?? self::uuid()) . '"'];
        return $this->answered('POST', '/import' . ($query === '' ? '' : "?$query"), $headers, $content, 'id');
    }

    /**
     * Waits until an import is done. Throws `Refused` when the file could not be read.
     *
     * @return array<string, mixed>
     */
    public function importOver(string $id, float $everySeconds = 2.0): array
    {
        while (true) {
            $job = $this->answered('GET', "/import/$id", [], '', 'id');
            if ($job['state'] === 'FAILED') {
                throw new Refused($job['failure']['code'], $job['failure']['message']);
            }
            if ($job['state'] === 'DONE') {
                return $job;
            }
            self::pause($everySeconds);
        }
    }

    /** The file that was sent, with `hasil` and `keterangan` for each row. `format` is `csv` or `xlsx`. */
    public function importResult(string $id, string $format = 'csv'): string
    {
        return $this->answered('GET', "/import/$id/result.$format", ['Accept: */*'], '', null);
    }

    // --- the feed ---

    /**
     * Every change of yours, in order, from the cursor on; without one from the beginning of the log, or `fromNow`.
     *
     * `cursor` is a file, or whatever loads and saves. It is saved when a change has been handled: when the next one is
     * asked for. So nothing is missed, and after a crash the last one comes again. `everySeconds` is how often the
     * registry is asked when there is nothing new; null ends at the end.
     *
     * @return \Generator<int, array<string, mixed>>
     */
    public function follow(
        string|Cursor $cursor,
        ?float $everySeconds = 5.0,
        string $fields = Documents::REGISTRANT,
        bool $fromNow = false,
    ): \Generator {
        $kept = $cursor instanceof Cursor ? $cursor : new FileCursor($cursor);
        if ($fromNow && $kept->load() === null) {
            $kept->save($this->query('endOfChanges', []));
        }
        while (true) {
            try {
                $page = $this->query('changes', ['after' => $kept->load()], $fields);
            } catch (CursorLost $lost) {
                self::goOnAfter($kept, $lost);
                continue;
            }
            foreach ($page['nodes'] as $change) {
                yield $change;
                $kept->save($change['cursor']);
            }
            if ($page['pageInfo']['endCursor'] !== null) {
                $kept->save($page['pageInfo']['endCursor']);
            }
            if (!$page['pageInfo']['hasNextPage']) {
                if ($everySeconds === null) {
                    return;
                }
                self::pause($everySeconds);
            }
        }
    }

    private static function goOnAfter(Cursor $kept, CursorLost $lost): void
    {
        if ($lost->after === null) {
            throw $lost;
        }
        error_log('Pemudik: the registry has lost the change of our cursor: going on from the last one that is there;'
            . ' some may come again');
        $kept->save($lost->after);
    }

    // --- how it is sent ---

    /** @param array<string, mixed> $variables */
    private function query(string $name, #[\SensitiveParameter] array $variables, string $fields = ''): mixed
    {
        $document = str_replace(Documents::FIELDS, $fields, Documents::QUERIES[$name]);
        return $this->execute($document, $variables)[$name];
    }

    /** @param array<string, mixed> $variables */
    private function mutation(string $name, #[\SensitiveParameter] array $variables, ?string $key): mixed
    {
        return self::accepted($this->execute(Documents::MUTATIONS[$name], $variables, $key)[$name]);
    }

    /**
     * What a mutation answered. A list is left as it is: it has a verdict for each item.
     *
     * @internal
     * @param array<mixed> $result
     * @return array<mixed>
     */
    public static function accepted(#[\SensitiveParameter] array $result): array
    {
        if (isset($result['code'])) {
            throw new Refused($result['code'], $result['message'], $result);
        }
        if (isset($result['problems'])) {
            throw new BookingRefused($result['problems']);
        }
        return $result['people'] ?? $result;
    }

    /**
     * @param array<string, mixed> $variables
     * @return \Generator<int, array<string, mixed>>
     */
    private function pages(string $name, #[\SensitiveParameter] array $variables, string $fields = ''): \Generator
    {
        $page = ['hasNextPage' => true, 'endCursor' => null];
        while ($page['hasNextPage']) {
            $found = $this->query($name, $variables + ['after' => $page['endCursor']], $fields);
            foreach ($found['nodes'] as $node) {
                yield $node;
            }
            $page = $found['pageInfo'];
        }
    }

    /**
     * @param iterable<mixed> $items
     * @return \Generator<int, list<mixed>>
     */
    private static function batches(#[\SensitiveParameter] iterable $items): \Generator
    {
        $batch = [];
        foreach ($items as $item) {
            $batch[] = $item;
            if (count($batch) === self::BATCH) {
                yield $batch;
                $batch = [];
            }
        }
        if ($batch !== []) {
            yield $batch;
        }
    }

    /** What was answered: JSON with `awaited` in it, or without that the body as it came. */
    private function answered(
        string $method,
        string $path,
        array $headers,
        #[\SensitiveParameter] string $content,
        ?string $awaited,
    ): array|string {
        $all = ["Accept-Language: $this->language", ...$headers];
        return $this->patiently(fn (): array|string => $this->authorized(
            fn (string $token): array|string
                => $this->send($method, $path, [...$all, "Authorization: Bearer $token"], $content, $awaited),
        ));
    }

    /** A token that was refused is asked for anew once. */
    private function authorized(#[\SensitiveParameter] \Closure $send): array|string
    {
        $token = $this->renewed(null);
        try {
            return $send($token);
        } catch (Unauthorized $error) {
            if ($error->status !== 401) {
                throw $error;
            }
        }
        return $send($this->renewed($token));
    }

    /** The token that is there, or a new one: of those who share a file, one asks and the others wait. */
    private function renewed(#[\SensitiveParameter] ?string $refused): string
    {
        if ($this->tokenFile === null) {
            $this->kept = $this->good($this->kept, $refused) ?? $this->asked();
            return $this->kept['token'];
        }
        $file = $this->lockedTokenFile($this->tokenFile);
        try {
            $kept = json_decode((string) stream_get_contents($file), true);
            $good = $this->good(is_array($kept) ? $kept : null, $refused) ?? $this->asked();
            rewind($file);
            ftruncate($file, 0);
            fwrite($file, json($good));
            return $good['token'];
        } finally {
            fclose($file);
        }
    }

    /** @return resource While somebody else asks a registry that does not answer, nobody waits longer than for an answer. */
    private function lockedTokenFile(string $path): mixed
    {
        $before = umask(0177);
        $file = fopen($path, 'c+');
        umask($before);
        if ($file === false) {
            throw new \RuntimeException("$path cannot be written.");
        }
        $until = hrtime(true) / 1e9 + $this->timeoutSeconds;
        while (!flock($file, LOCK_EX | LOCK_NB)) {
            if (hrtime(true) / 1e9 > $until) {
                fclose($file);
                throw new Unreachable();
            }
            self::pause(0.05);
        }
        return $file;
    }

    private function good(#[\SensitiveParameter] ?array $kept, #[\SensitiveParameter] ?string $refused): ?array
    {
        $mine = hash('sha256', "$this->url $this->clientId");
        $good = ($kept['of'] ?? null) === $mine && $kept['token'] !== $refused && microtime(true) < $kept['until'];
        return $good ? $kept : null;
    }

    private function asked(): array
    {
        [$headers, $form] = $this->proof();
        $headers[] = 'Content-Type: application/x-www-form-urlencoded';
        $content = http_build_query(['grant_type' => 'client_credentials'] + $form);
        $until = microtime(true) - self::RENEWED_BEFORE_END_SECONDS;
        $answer = $this->send('POST', self::TOKEN_PATH, $headers, $content, 'access_token');
        return [
            'of' => hash('sha256', "$this->url $this->clientId"),
            'token' => $answer['access_token'],
            'until' => $until + $answer['expires_in'],
        ];
    }

    /** Who the client is, as headers and form: by its secret, or by a signature, which is another one each time. */
    private function proof(): array
    {
        if ($this->privateKey === null) {
            $credentials = base64_encode(urlencode($this->clientId) . ':' . urlencode((string) $this->clientSecret));
            return [["Authorization: Basic $credentials"], []];
        }
        $type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
        $assertion = assertion($this->clientId, $this->privateKey, $this->audience ?? $this->url . self::TOKEN_PATH);
        return [[], ['client_assertion_type' => $type, 'client_assertion' => $assertion]];
    }

    private function patiently(#[\SensitiveParameter] \Closure $attempt): mixed
    {
        $until = hrtime(true) / 1e9 + $this->patienceSeconds;
        for ($tries = 0; true; $tries++) {
            try {
                return $attempt();
            } catch (TryLater $later) {
                $seconds = self::pauseSeconds($tries, $later->retryAfter);
                if (hrtime(true) / 1e9 + $seconds > $until) {
                    throw $later;
                }
            }
            self::pause($seconds);
        }
    }

    /**
     * As long as the registry says; else longer each time. Spread, so that not everybody comes back at once.
     *
     * @internal
     */
    public static function pauseSeconds(int $tries, ?float $retryAfter): float
    {
        if ($retryAfter !== null) {
            return $retryAfter * mt_rand(100, 110) / 100;
        }
        return min(self::FIRST_PAUSE_SECONDS * 2 ** min($tries, 16), self::LONGEST_PAUSE_SECONDS) * mt_rand(50, 100) / 100;
    }

    private static function pause(float $seconds): void
    {
        usleep((int) ($seconds * 1e6));
    }

    /** What was answered: JSON with `awaited` in it, or without that the body as it came. */
    private function send(
        string $method,
        string $path,
        #[\SensitiveParameter] array $headers,
        #[\SensitiveParameter] string $content,
        ?string $awaited,
    ): array|string {
        $accepts = $awaited === null ? [] : ['Accept: application/json'];
        $how = [
            'method' => $method,
            'header' => [...$headers, ...$accepts, 'Connection: close'],
            'content' => $content,
            'timeout' => $this->timeoutSeconds,
            'protocol_version' => 1.1,
            'follow_location' => 0,
            'ignore_errors' => true,
            // Else nobody could tell whether the last chunk has come.
            'auto_decode' => 0,
        ];
        $stream = @fopen($this->url . $path, 'r', false, stream_context_create(['http' => $how]));
        if ($stream === false) {
            throw new Unreachable();
        }
        $body = (string) stream_get_contents($stream);
        $lines = stream_get_meta_data($stream)['wrapper_data'];
        fclose($stream);
        if (str_contains(strtolower((string) self::header($lines, 'transfer-encoding')), 'chunked')) {
            $body = self::joined($body) ?? throw new Unreachable();
        }
        $status = (int) explode(' ', $lines[0])[1];
        $isFile = $awaited === null && $status === 200;
        $answered = $isFile ? null : json_decode($body, true);
        if (self::isCutOff($lines, $body, $status === 200 && !$isFile && $answered === null)) {
            throw new Unreachable();
        }
        if ($isFile) {
            return $body;
        }
        $answered = is_array($answered) ? $answered : [];
        $isGood = $status === 200 || $status === 202;
        if ($isGood && isset($answered[$awaited]) && ($answered['errors'] ?? []) === []) {
            return $answered;
        }
        throw self::errorOf($status, $lines, $answered);
    }

    /** The chunks of a body (RFC 9112 §7.1) in one. Null: the connection ended before the last one. */
    private static function joined(#[\SensitiveParameter] string $body): ?string
    {
        $whole = '';
        for ($at = 0; ($end = strpos($body, "\r\n", $at)) !== false; $at = $end + 2 + $length + 2) {
            $length = (int) hexdec(explode(';', substr($body, $at, $end - $at))[0]);
            if ($length === 0) {
                return $whole;
            }
            if (strlen($body) < $end + 2 + $length + 2) {
                return null;
            }
            $whole .= substr($body, $end + 2, $length);
        }
        return null;
    }

    /** Whether the connection ended before the answer did. Where the answer does not say its length, its JSON tells. */
    private static function isCutOff(array $lines, #[\SensitiveParameter] string $body, bool $isUnreadable): bool
    {
        $length = self::header($lines, 'content-length');
        return $length === null ? $isUnreadable : strlen($body) < (int) $length;
    }

    private static function errorOf(int $status, array $lines, #[\SensitiveParameter] array $content): PemudikError
    {
        [$code, $message, $told] = self::told($status, $content);
        $retryAfter = $told['retryAfter'] ?? self::secondsOf(self::header($lines, 'retry-after'));
        if ($status === 401 || $status === 403) {
            return new Unauthorized($code, $message, $status);
        }
        $busy = in_array($status, [429, 502, 503, 504], true) || ($status === 200 && isset($told['retryAfter']));
        if ($busy || in_array($code, self::LATER, true)) {
            return new TryLater($code, $message, $retryAfter === null ? null : (float) $retryAfter);
        }
        if ($code === 'CURSOR_LOST') {
            return new CursorLost($code, $message, $told['after'] ?? null);
        }
        if ($status >= 500 || $code === 'INTERNAL_ERROR' || str_starts_with($code, self::OF_NOBODY)) {
            return new RegistryFailed($code, $message, $told['errorId'] ?? null);
        }
        return new Refused($code, $message, $told);
    }

    /** Code, message and facts: as GraphQL, the doors of files, the token endpoint, or nobody of us says them. */
    private static function told(int $status, #[\SensitiveParameter] array $content): array
    {
        $error = is_array($content['errors'] ?? null) ? ($content['errors'][0] ?? null) : null;
        if (is_array($error)) {
            $told = $error['extensions'] ?? [];
            return [$told['code'] ?? 'GRAPHQL_VALIDATION_FAILED', $error['message'] ?? '', $told];
        }
        $code = $content['error'] ?? null;
        if (is_array($code) && is_string($code['code'] ?? null)) {
            return [$code['code'], (string) ($code['message'] ?? ''), $code];
        }
        if (is_string($code) && preg_match('/^[a-z_]+$/D', $code) === 1) {
            return [strtoupper($code), (string) ($content['error_description'] ?? $code), []];
        }
        return [self::OF_NOBODY . $status, "Status $status without an answer of the registry.", []];
    }

    private static function header(array $lines, string $name): ?string
    {
        foreach ($lines as $line) {
            if (stripos($line, "$name:") === 0) {
                return trim(substr($line, strlen($name) + 1));
            }
        }
        return null;
    }

    /** `Retry-After` of RFC 9110: seconds, or a date. */
    private static function secondsOf(?string $retryAfter): ?float
    {
        if ($retryAfter === null || ctype_digit($retryAfter)) {
            return $retryAfter === null ? null : (float) $retryAfter;
        }
        $at = strtotime($retryAfter);
        return $at === false ? null : max(0.0, $at - microtime(true));
    }

    /** @internal */
    public static function uuid(): string
    {
        $bytes = random_bytes(16);
        $bytes[6] = chr(ord($bytes[6]) & 0x0F | 0x40);
        $bytes[8] = chr(ord($bytes[8]) & 0x3F | 0x80);
        return vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split(bin2hex($bytes), 4));
    }
}

/** Where a follower of the feed stands. `load` answers what was saved last, or null. `save` returns when it is safe. */
interface Cursor
{
    public function load(): ?string;

    public function save(string $cursor): void;
}

/** A file that is replaced as a whole: after a crash it holds the cursor before, or the one after. */
final class FileCursor implements Cursor
{
    public function __construct(private readonly string $path)
    {
    }

    public function load(): ?string
    {
        return is_file($this->path) ? (trim((string) file_get_contents($this->path)) ?: null) : null;
    }

    public function save(string $cursor): void
    {
        $file = fopen("$this->path.new", 'w');
        $written = $file !== false && @fwrite($file, $cursor) === strlen($cursor) && fsync($file) && fclose($file);
        if (!$written || !rename("$this->path.new", $this->path)) {
            throw new \RuntimeException("The cursor could not be saved in $this->path: the one before it stays.");
        }
    }
}

// --- webhooks ---------------------------------------------------------------------------------------------------------

/** A webhook of the registry. `id` is the same at each attempt: what was done under it need not be done again. */
final class Event
{
    /** @param array<string, mixed> $data */
    public function __construct(
        public readonly string $id,
        public readonly string $type,
        public readonly string $timestamp,
        public readonly array $data,
    ) {
    }
}

/** How old a webhook may be, and how far ahead of our clock. */
const TOLERANCE_SECONDS = 300;

/**
 * The event, verified as Standard Webhooks says; no more than five minutes off. `body` is what arrived, byte by byte
 * (`file_get_contents('php://input')`), `headers` is `getallheaders()`. Throws `BadSignature`.
 *
 * @param array<string, string> $headers
 */
function verifyWebhook(#[\SensitiveParameter] string $secret, array $headers, string $body, ?float $now = null): Event
{
    $given = array_change_key_case($headers);
    [$id, $timestamp] = [$given['webhook-id'] ?? '', $given['webhook-timestamp'] ?? ''];
    if ($id === '' || !ctype_digit($timestamp) || strlen($timestamp) > 11) {
        throw new BadSignature('webhook-id or webhook-timestamp are missing, or are none.');
    }
    $key = (string) base64_decode(preg_replace('/^whsec_/', '', $secret), true);
    $good = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    $found = 0;
    foreach (explode(' ', $given['webhook-signature'] ?? '') as $signature) {
        // Each is compared, so that the time tells nothing of the place.
        $found += (int) hash_equals($good, $signature);
    }
    if ($found === 0 || $key === '') {
        throw new BadSignature('No signature in webhook-signature is of this secret and body.');
    }
    if (abs(($now ?? microtime(true)) - (int) $timestamp) > TOLERANCE_SECONDS) {
        throw new BadSignature('webhook-timestamp is more than five minutes off: a replay, or a clock that is wrong.');
    }
    $content = json_decode($body, true, 512, JSON_THROW_ON_ERROR);
    return new Event($id, $content['type'], $content['timestamp'], $content['data']);
}

// --- the outbox -------------------------------------------------------------------------------------------------------

/** What became of an item of the outbox: either `answer` or `problem` is there. */
final class Sent
{
    /**
     * @param array<mixed>|null $answer
     * @param array<string, mixed>|null $problem
     */
    public function __construct(
        public readonly int $id,
        public readonly string $operation,
        public readonly ?array $answer,
        public readonly ?array $problem,
    ) {
    }
}

/** An item that was refused, as it was sent, and why. */
final class RefusedItem
{
    /**
     * @param array<string, mixed> $variables
     * @param array<string, mixed> $problem
     */
    public function __construct(
        public readonly int $id,
        public readonly string $operation,
        #[\SensitiveParameter] public readonly array $variables,
        public readonly array $problem,
    ) {
    }

    /** @return array<string, mixed> without the person, for logs */
    public function __debugInfo(): array
    {
        return ['id' => $this->id, 'operation' => $this->operation, 'problem' => $this->problem];
    }
}

/**
 * An outbox in SQLite: a registration is written down before it is sent, so the registry may be away meanwhile.
 *
 * Each is sent under the key that it got when it was written, so that it is done once, whatever is killed when. They are
 * sent in order: nobody passes the one that waits. Only one process sends at a time. The file holds NIKs until they are
 * accepted: it is made for its owner alone (0600). Keep it outside of what the web server serves.
 */
final class Outbox
{
    /** So often the registry may fail at one item. Then the item is put aside, since it may be what fails. */
    public const MOST_FAILURES = 10;
    private const LONGEST_PAUSE_SECONDS = 300.0;
    private const SQLITE_BUSY = 5;
    // The same as in sdk/python: a file can be handed from one to the other.
    private const TABLE = <<<'SQL'
        CREATE TABLE IF NOT EXISTS outbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            key TEXT NOT NULL UNIQUE,
            operation TEXT NOT NULL,
            document TEXT NOT NULL,
            variables TEXT,
            state TEXT NOT NULL DEFAULT 'WAITING' CHECK (state IN ('WAITING', 'ACCEPTED', 'REFUSED')),
            attempts INTEGER NOT NULL DEFAULT 0,
            not_before REAL NOT NULL DEFAULT 0,
            postponed_at REAL NOT NULL DEFAULT 0,
            answer TEXT,
            put_at REAL NOT NULL,
            ended_at REAL
        );
        CREATE INDEX IF NOT EXISTS outbox_state ON outbox (state, id);
        SQL;
    private readonly \PDO $database;

    public function __construct(private readonly string $path)
    {
        $before = umask(0177);
        touch($path);
        umask($before);
        $this->database = new \PDO("sqlite:$path", options: [\PDO::ATTR_TIMEOUT => 30]);
        $this->database->exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;');
        $this->database->exec(self::TABLE);
    }

    /**
     * Writes down what is to be sent, such as `put('submitRegistrant', ['input' => [...]])`. When it returns, it is safe.
     *
     * @param array<string, mixed> $variables
     */
    public function put(string $operation, #[\SensitiveParameter] array $variables): int
    {
        // Of a list some may be refused and others not; an item is either accepted or refused.
        if (!isset(Documents::MUTATIONS[$operation]) || $operation === 'submitRegistrants') {
            throw new \InvalidArgumentException("$operation cannot be put into an outbox.");
        }
        $this->run(
            'INSERT INTO outbox (key, operation, document, variables, put_at) VALUES (?, ?, ?, ?, ?)',
            [Pemudik::uuid(), $operation, Documents::MUTATIONS[$operation], json($variables), microtime(true)],
        );
        return (int) $this->database->lastInsertId();
    }

    /**
     * Sends what is due, in order, and tells what became of each. Ends when nothing is, or another process sends.
     * Throws `Unauthorized`; then nothing is lost, and nothing was counted.
     *
     * @return \Generator<int, Sent>
     */
    public function send(Pemudik $client): \Generator
    {
        // The system takes the lock back from one that is killed.
        $lock = new \PDO("sqlite:$this->path.sending", options: [\PDO::ATTR_TIMEOUT => 0]);
        try {
            $lock->exec('BEGIN EXCLUSIVE');
        } catch (\PDOException $error) {
            if ($error->errorInfo[1] !== self::SQLITE_BUSY) {
                throw $error;
            }
            return;
        }
        while (($item = $this->due()) !== null) {
            try {
                $variables = json_decode($item['variables'], true);
                $sent = $this->accept($item, $client->execute($item['document'], $variables, $item['key']));
            } catch (PemudikError $error) {
                $sent = $this->end($item, $error);
            }
            if ($sent === null) {
                return;
            }
            yield $sent;
        }
    }

    public function waiting(): int
    {
        return (int) $this->run("SELECT count(*) FROM outbox WHERE state = 'WAITING'")->fetchColumn();
    }

    /**
     * What was refused, until `again` or `forget` says what becomes of it.
     *
     * @return list<RefusedItem>
     */
    public function refused(): array
    {
        $rows = $this->run("SELECT id, operation, variables, answer FROM outbox WHERE state = 'REFUSED' ORDER BY id");
        return array_map(
            static fn (array $row): RefusedItem => new RefusedItem(
                (int) $row['id'],
                $row['operation'],
                json_decode($row['variables'], true),
                json_decode($row['answer'], true),
            ),
            $rows->fetchAll(\PDO::FETCH_ASSOC),
        );
    }

    /**
     * Sends a refused item once more, put right if `variables` are given. It is judged anew.
     *
     * @param array<string, mixed> $variables
     */
    public function again(int $id, #[\SensitiveParameter] array $variables = []): void
    {
        // A key remembers a refusal for 24 hours: who asks anew asks under another one.
        $this->run(
            "UPDATE outbox SET state = 'WAITING', key = ?, variables = coalesce(?, variables), answer = NULL,"
            . " ended_at = NULL, attempts = 0, not_before = 0 WHERE id = ? AND state = 'REFUSED'",
            [Pemudik::uuid(), $variables === [] ? null : json($variables), $id],
        );
    }

    /** Deletes a refused item, with what it knows of a person. */
    public function forget(int $id): void
    {
        $this->run("DELETE FROM outbox WHERE id = ? AND state = 'REFUSED'", [$id]);
    }

    /** @return array<string, mixed>|null */
    private function due(): ?array
    {
        $item = $this->run("SELECT * FROM outbox WHERE state = 'WAITING' ORDER BY id LIMIT 1")->fetch(\PDO::FETCH_ASSOC);
        $now = microtime(true);
        // Before the instant at which it was postponed a clock was set back: nobody waits for that clock.
        return $item === false || ($item['postponed_at'] <= $now && $now < $item['not_before']) ? null : $item;
    }

    private function accept(#[\SensitiveParameter] array $item, array $data): Sent
    {
        $answer = Pemudik::accepted($data[$item['operation']]);
        // From here on nothing here knows the person any more.
        $this->run(
            "UPDATE outbox SET state = 'ACCEPTED', variables = NULL, answer = ?, ended_at = ? WHERE id = ?",
            [json($answer), microtime(true), $item['id']],
        );
        return new Sent((int) $item['id'], $item['operation'], $answer, null);
    }

    /** Refused for good, or null: to be tried later. Throws what sending again cannot mend. */
    private function end(#[\SensitiveParameter] array $item, PemudikError $error): ?Sent
    {
        $failing = $error instanceof RegistryFailed && $item['attempts'] + 1 < self::MOST_FAILURES;
        if ($error instanceof TryLater || $failing) {
            $this->postpone($item, $error instanceof TryLater ? $error->retryAfter : null);
            return null;
        }
        if (!$error instanceof Refused && !$error instanceof RegistryFailed) {
            throw $error;
        }
        return $this->refuse($item, $error);
    }

    private function postpone(#[\SensitiveParameter] array $item, ?float $retryAfter): void
    {
        $longer = Pemudik::pauseSeconds($item['attempts'], null) * 2 ** min($item['attempts'], 8);
        $seconds = $retryAfter ?? min($longer, self::LONGEST_PAUSE_SECONDS);
        $now = microtime(true);
        $this->run(
            'UPDATE outbox SET attempts = attempts + 1, postponed_at = ?, not_before = ? WHERE id = ?',
            [$now, $now + $seconds, $item['id']],
        );
    }

    private function refuse(#[\SensitiveParameter] array $item, PemudikError $error): Sent
    {
        $problem = ['code' => $error->code, 'message' => $error->getMessage()];
        if ($error instanceof Refused) {
            $more = ['field' => $error->field, 'standing' => $error->standing, 'retryAfter' => $error->retryAfter];
            $problem += $more;
        }
        $this->run(
            "UPDATE outbox SET state = 'REFUSED', answer = ?, ended_at = ? WHERE id = ?",
            [json($problem), microtime(true), $item['id']],
        );
        return new Sent((int) $item['id'], $item['operation'], null, $problem);
    }

    private function run(string $statement, #[\SensitiveParameter] array $values = []): \PDOStatement
    {
        try {
            $prepared = $this->database->prepare($statement);
            $prepared->execute($values);
            return $prepared;
        } catch (\PDOException $error) {
            // Its trace has the values, which name a person. The one that begins here has not.
            throw new \RuntimeException("The outbox cannot be read or written: {$error->getMessage()}");
        }
    }
}
