<?php

/** A refusal: the code is what to branch on, the message is for the person at the counter. */

declare(strict_types=1);

use Pemudik\Pemudik;
use Pemudik\Refused;

require __DIR__ . '/../Pemudik.php';

$pemudik = new Pemudik(getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET'));

try {
    $pemudik->submitRegistrant([
        'nik' => getenv('NIK_OF_ANOTHER'),
        'name' => 'Warga Contoh',
        'routeId' => getenv('ROUTE'),
        'identityDocument' => 'KTP',
    ]);
} catch (Refused $refused) {
    if ($refused->code === 'NIK_ALREADY_REGISTERED' && $refused->standing !== null) {
        echo $refused->code, ' ', $refused->standing['organizer']['name'], "\n";
    } elseif ($refused->retryAfter !== null) {
        echo "Again in $refused->retryAfter seconds: {$refused->getMessage()}\n";
    } else {
        echo $refused->getMessage(), "\n";
    }
}
