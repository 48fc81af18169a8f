// Reads a golden's JSON file with Node only.
//
//     node read_json.js ../../fixtures/v2/lstm/lengths.json
"use strict";
const { readFileSync } = require("node:fs");

let checksum = 0xcbf29ce484222325n;

function visit(value, path) {
  if (value.data) {
    console.log(path, ...value.shape);
    const bytes = Buffer.alloc(8);
    for (const number of value.data) {
      bytes.writeDoubleLE(number);
      for (const byte of bytes) checksum = BigInt.asUintN(64, (checksum ^ BigInt(byte)) * 0x100000001b3n);
    }
  } else if (typeof value === "object" && !Array.isArray(value)) {
    for (const name of Object.keys(value).sort()) visit(value[name], path ? `${path}/${name}` : name);
  }
}

const golden = JSON.parse(readFileSync(process.argv[2], "utf8"));
console.log(golden.id);
visit(golden, "");
console.log("checksum", checksum.toString(16).padStart(16, "0"));
