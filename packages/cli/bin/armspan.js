#!/usr/bin/env node
// Plain JavaScript of old: it must run on the Node that is too old, to say so.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
	process.stderr.write(
		`armspan needs Node 22.15 or newer; this is ${process.version} (${process.execPath}).\n  try: npm run armspan -- … in a clone (it brings its own Node), or install Node 22.15 or newer\n`,
	);
	process.exit(1);
}
const { existsSync } = await import("node:fs");
const built = new URL("../dist/main.js", import.meta.url);
if (!existsSync(built)) {
	process.stderr.write("armspan is not built yet.\n  try: npm run build\n");
	process.exit(1);
}
// Embedded, each query holds a thread of libuv's pool until the engine answers. Of four, analyses and people's SQL could
// hold all, and no guardrail would be looked at. The pool is made at its first use, so it is said before anything runs.
process.env.UV_THREADPOOL_SIZE ??= "16";
const { main } = await import(built.href);
process.exitCode = await main(process.argv);
