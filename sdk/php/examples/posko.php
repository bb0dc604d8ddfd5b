<?php

/** At the posko: a family is verified and departs by its booking code; somebody else cancels. */

declare(strict_types=1);

use Pemudik\Pemudik;

require __DIR__ . '/../Pemudik.php';

$pemudik = new Pemudik(getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET'));

$reference = getenv('REFERENCE');

foreach ($pemudik->verifyBooking("$reference-FAMILY", posko: 'Monas') as $person) {
    echo $person['problem']['message'] ?? $person['registrants'][0]['status'], "\n";
}
foreach ($pemudik->departBooking("$reference-FAMILY", healthy: true) as $person) {
    echo $person['problem']['message'] ?? $person['registrants'][0]['status'], "\n";
}
echo $pemudik->cancelRegistrant(['reference' => $reference], 'Tidak jadi berangkat')['status'], "\n";
