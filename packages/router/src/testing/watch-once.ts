// Watches a bundle with a cache until the cache has a revision; prints what is in use then, and errors on stderr.
import { setTimeout as sleep } from "node:timers/promises";
import { BundleWatcher } from "../adapters/bundle-watcher.ts";
import { revisionOnDisk } from "../adapters/write-bundle.ts";

const [directory = "", cacheDirectory = "", revision = ""] = process.argv.slice(2);
const report = (error: Error) => process.stderr.write(`${error.message}\n`);
const watcher = new BundleWatcher(directory, { onChange: () => {}, onError: report, cacheDirectory, pollMs: 10 });
while (watcher.current?.table.revision !== Number(revision) || revisionOnDisk(cacheDirectory) !== Number(revision)) {
	await sleep(5);
}
process.stdout.write(`${watcher.current.table.revision}\n`);
