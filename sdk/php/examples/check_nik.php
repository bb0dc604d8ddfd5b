<?php

/** May this NIK be registered? The answer is a courtesy: the submission decides. */

declare(strict_types=1);

use Pemudik\Pemudik;

require __DIR__ . '/../Pemudik.php';

$pemudik = new Pemudik(getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET'));

$check = $pemudik->checkNik(getenv('NIK'), direction: 'MUDIK', service: 'PASSENGER');
echo $check['outcome'], "\n";
