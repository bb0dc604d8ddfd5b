// The file that is named, as JSON.
import { readFileSync } from "node:fs";
import { load } from "js-yaml";

console.log(JSON.stringify(load(readFileSync(process.argv[2], "utf8"))));
