<?php

/** One of our own, with NIK and name: only when they are asked for. */

declare(strict_types=1);

use Pemudik\Pemudik;

require __DIR__ . '/../Pemudik.php';

$pemudik = new Pemudik(getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET'));

$found = $pemudik->registrant(['reference' => getenv('REFERENCE')], fields: 'status name route { departsAt }');
echo $found === null ? 'nobody' : "$found[status] $found[name]", "\n";
