<?php

/** What test_behaviour.py has the client of PHP do; the answer is JSON. */

declare(strict_types=1);

use Pemudik\Documents;
use Pemudik\FileCursor;
use Pemudik\Outbox;
use Pemudik\Pemudik;
use Pemudik\PemudikError;
use Pemudik\Refused;
use Pemudik\TryLater;

use function Pemudik\publicKeys;
use function Pemudik\verifyWebhook;

require getenv('SDK') . '/Pemudik.php';

ini_set('zend.exception_ignore_args', '0');

function client(): Pemudik
{
    [$url, $id, $secret] = [getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET')];
    return new Pemudik($url, $id, $secret, patienceSeconds: (float) getenv('PATIENCE'), tokenFile: getenv('TOKEN') ?: null);
}

function person(string $nik, array $more = []): array
{
    return ['nik' => $nik, 'name' => 'Warga Contoh', 'routeId' => getenv('ROUTE'), 'identityDocument' => 'KTP', ...$more];
}

function told(PemudikError $error): array
{
    $kind = (new ReflectionClass($error))->getShortName();
    $seconds = $error instanceof TryLater || $error instanceof Refused ? $error->retryAfter : null;
    return ['error' => $kind, 'code' => $error->code, 'message' => $error->getMessage(), 'retryAfter' => $seconds];
}

$does = [
    'documents' => fn () => ['queries' => Documents::QUERIES, 'mutations' => Documents::MUTATIONS],
    'methods' => fn () => get_class_methods(Pemudik::class),
    // Nobody but the client may be who names a NIK in what is told of an error.
    'submit' => function (#[SensitiveParameter] string ...$niks) {
        [$client, $told] = [client(), []];
        foreach ($niks as $nik) {
            try {
                $told[] = ['replayed' => $client->submitRegistrant(person($nik))['replayed']];
            } catch (PemudikError $error) {
                $told[] = told($error) + ['text' => "$error " . print_r($error, true)];
            }
        }
        return $told;
    },
    // Whatever goes wrong with lists, texts and a disk that is full, beside what the registry says.
    'fail' => function (string $path, #[SensitiveParameter] string $nik, #[SensitiveParameter] string ...$lists) {
        $full = new Outbox($path);
        (new ReflectionProperty($full, 'database'))->getValue($full)->exec('PRAGMA max_page_count = 3');
        $no_text = [...person($nik), 'name' => "\xff"];
        $told = [];
        foreach ([
            fn () => iterator_to_array(client()->submitRegistrants(array_map(person(...), $lists))),
            fn () => iterator_to_array(client()->checkNiks($lists)),
            fn () => iterator_to_array(client()->registrants(['nik' => $nik])),
            fn () => client()->submitRegistrant($no_text),
            fn () => $full->put('submitRegistrant', ['input' => $no_text]),
            fn () => $full->put('submitRegistrant', ['input' => person($nik, ['reference' => str_repeat('x', 9999)])]),
        ] as $failing) {
            try {
                $failing();
            } catch (Throwable $error) {
                $told[] = ['error' => $error::class, 'text' => "$error " . print_r($error, true)];
            }
        }
        return $told;
    },
    'save' => function (string $path, string $cursor) {
        try {
            (new FileCursor($path))->save($cursor);
        } catch (RuntimeException $error) {
            return $error->getMessage();
        }
    },
    'check' => fn (string ...$niks) => array_column(iterator_to_array(client()->checkNiks($niks), false), 'outcome'),
    'stream' => function (string $first) {
        $taken = 0;
        $people = (function () use ($first, &$taken) {
            for ($place = 0; $place < 1500; $place++) {
                $taken++;
                yield person($place % 500 === 7 ? '3171030000009001' : (string) ((int) $first + $place));
            }
        })();
        [$count, $refused, $atFirst, $niks, $shown] = [0, [], null, 0, ''];
        foreach (client()->submitRegistrants($people) as $place => $verdict) {
            $atFirst ??= $taken;
            $shown = print_r($verdict, true);
            $niks += $verdict->input['nik'] === (string) ((int) $first + $count) ? 1 : 0;
            if ($verdict->problem !== null) {
                $refused[] = $count;
            }
            $count++;
        }
        return ['atFirst' => $atFirst, 'count' => $count, 'refused' => $refused, 'inOrder' => $niks, 'shown' => $shown];
    },
    'file' => function (string $list, string $order) {
        $sent = client()->importFile($list, json_decode($order, true));
        try {
            $result = client()->importResult(client()->importOver($sent['id'])['id']);
            return ['id' => $sent['id'], 'bytes' => strlen($result)];
        } catch (PemudikError $error) {
            return ['id' => $sent['id']] + told($error);
        }
    },
    'signed' => function (string $file, string $id) {
        $key = file_get_contents($file);
        $audience = getenv('AUDIENCE') ?: null;
        $client = new Pemudik(getenv('PEMUDIK'), $id, patienceSeconds: 0.0, privateKey: $key, audience: $audience);
        try {
            $found = $client->checkNik('3171030101909001')['outcome'];
        } catch (PemudikError $error) {
            $found = told($error);
        }
        return [json_decode(publicKeys($key), true), $found];
    },
    'follow' => function (string $cursor, string $handled) {
        $seen = [];
        foreach (client()->follow($cursor, everySeconds: null, fromNow: true) as $change) {
            $seen[] = ['to' => $change['to'], 'cursor' => $change['cursor']];
            if (count($seen) > (int) $handled) {
                break;
            }
        }
        return $seen;
    },
    'webhook' => function (string $cases) {
        $answer = [];
        foreach (json_decode($cases, true) as [$secret, $headers, $body, $now]) {
            try {
                $answer[] = verifyWebhook($secret, $headers, $body, $now)->type;
            } catch (PemudikError $error) {
                $answer[] = $error->code;
            }
        }
        return $answer;
    },
    'put' => fn (string $path, string ...$niks) => array_map(
        fn (string $nik) => (new Outbox($path))->put('submitRegistrant', ['input' => person($nik)]),
        $niks,
    ),
    'send' => function (string $path, string $aloud = '') {
        $sent = [];
        try {
            foreach ((new Outbox($path))->send(client()) as $one) {
                $sent[] = [$one->id, $one->problem['code'] ?? $one->answer['replayed']];
                if ($aloud !== '') {
                    fwrite(STDOUT, json_encode(end($sent)) . "\n");
                }
            }
        } catch (PemudikError $error) {
            $sent[] = told($error);
        }
        return $sent;
    },
    'outbox' => function (string $path) {
        $outbox = new Outbox($path);
        $refused = array_map(fn ($item) => [$item->id, $item->variables['input']['nik'], $item->problem['code']], $outbox->refused());
        return ['waiting' => $outbox->waiting(), 'refused' => $refused, 'shown' => print_r($outbox->refused(), true)];
    },
    'again' => fn (string $path, string $id, string $nik) => (new Outbox($path))->again((int) $id, ['input' => person($nik)]),
];

echo json_encode($does[$argv[1]](...array_slice($argv, 2)), JSON_THROW_ON_ERROR), "\n";
