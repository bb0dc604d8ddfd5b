<?php

/** A client without a secret: it signs with a private key, which never leaves this machine. */

declare(strict_types=1);

use Pemudik\Pemudik;

require __DIR__ . '/../Pemudik.php';

$privateKey = file_get_contents(getenv('PRIVATE_KEY'));
$pemudik = new Pemudik(getenv('PEMUDIK'), getenv('SIGNING_CLIENT_ID'), privateKey: $privateKey);

echo $pemudik->checkNik('3171030101909001')['outcome'], "\n";
