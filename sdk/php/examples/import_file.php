<?php

/** A whole list as a file: how many rows are refused, and the file back with the verdict of each row. */

declare(strict_types=1);

use Pemudik\Pemudik;

require __DIR__ . '/../Pemudik.php';

$pemudik = new Pemudik(getenv('PEMUDIK'), getenv('PEMUDIK_CLIENT_ID'), getenv('PEMUDIK_CLIENT_SECRET'));

// dryRun: the rows are judged, and nothing changes.
$sent = $pemudik->importFile(getenv('LIST'), ['dryRun' => true]);
$done = $pemudik->importOver($sent['id'], everySeconds: 0.5);
echo "$done[rowsDone] rows, $done[refused] refused\n";

file_put_contents('hasil.csv', $pemudik->importResult($sent['id']));
echo implode(';', array_slice(explode(';', rtrim(file('hasil.csv')[0])), -2)), "\n";
