<?php

/** A whole list: a verdict for each, in order, 1,000 a call. It may be of any length, and need not be in memory. */

declare(strict_types=1);

use Pemudik\Pemudik;

require __DIR__ . '/../Pemudik.php';

$pemudik = new Pemudik(getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET'));

function people(): Generator
{
    for ($place = 0; $place <= 1000; $place++) {
        yield [
            'nik' => $place < 1000 ? (string) ((int) getenv('NIK') + 100 + $place) : '3171030000009001',
            'name' => 'Warga Contoh',
            'routeId' => getenv('ROUTE'),
            'identityDocument' => 'KTP',
        ];
    }
}

$outcomes = [];
foreach ($pemudik->submitRegistrants(people()) as $verdict) {
    $outcome = $verdict->problem['code'] ?? 'accepted';
    $outcomes[$outcome] = ($outcomes[$outcome] ?? 0) + 1;
}
foreach ($outcomes as $outcome => $count) {
    echo "$outcome $count\n";
}
