<?php

/** One person, one seat. Sending it again is harmless: the same registrant comes back. */

declare(strict_types=1);

use Pemudik\Pemudik;

require __DIR__ . '/../Pemudik.php';

$pemudik = new Pemudik(getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET'));

$submission = $pemudik->submitRegistrant([
    'nik' => getenv('NIK'),
    'name' => 'Warga Contoh',
    'routeId' => getenv('ROUTE'),
    'identityDocument' => 'KTP',
    'reference' => getenv('REFERENCE'),
]);
echo $submission['registrant']['status'], ' ', $submission['replayed'] ? 'replayed' : 'new', "\n";
