<?php

/** An outbox: written down first, sent when the registry answers, once and in order. Run `send` from cron as well. */

declare(strict_types=1);

use Pemudik\Outbox;
use Pemudik\Pemudik;

require __DIR__ . '/../Pemudik.php';

$pemudik = new Pemudik(getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET'));

$outbox = new Outbox('outbox.db');
foreach ([(string) ((int) getenv('NIK') + 9), '3171030000009001'] as $nik) {
    $person = ['nik' => $nik, 'name' => 'Warga Contoh', 'routeId' => getenv('ROUTE'), 'identityDocument' => 'KTP'];
    $outbox->put('submitRegistrant', ['input' => $person]);
}

foreach ($outbox->send($pemudik) as $sent) {
    echo $sent->problem['code'] ?? 'accepted', "\n";
}
foreach ($outbox->refused() as $item) {
    // Put right and sent again (`again`), or deleted with what it knows of a person.
    $outbox->forget($item->id);
}
echo $outbox->waiting(), " waiting\n";
