<?php

/** What is known of a person later is put right. The log keeps that it was, and why. */

declare(strict_types=1);

use Pemudik\Pemudik;

require __DIR__ . '/../Pemudik.php';

$pemudik = new Pemudik(getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET'));

$corrected = $pemudik->correctRegistrant(
    ['reference' => getenv('REFERENCE')],
    ['name' => 'Warga Contoh Sekali', 'reason' => 'Salah ketik'],
);
echo $corrected['status'], "\n";
