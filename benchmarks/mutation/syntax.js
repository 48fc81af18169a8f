// Reads {"parse": text} or {"valid": [text, ...]} from stdin; prints the tree, or which of the texts are JavaScript.
"use strict";
const { parse } = require("acorn");

const tree = (text) => parse(text, { ecmaVersion: 2022, sourceType: "script" });

function isValid(text) {
  try {
    tree(text);
    return true;
  } catch {
    return false;
  }
}

const asked = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
console.log(JSON.stringify("parse" in asked ? tree(asked.parse) : asked.valid.map(isValid)));
