import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PASSWORDS } from "./deployed-clickhouse.ts";

const script = join(import.meta.dirname, "../../deploy/check-secrets.sh");
const check = (env: Record<string, string>) => {
	const { status, stderr } = spawnSync("/bin/sh", [script, "FIRST_PASSWORD", "SECOND_PASSWORD"], {
		encoding: "utf8",
		env: { PATH: "/usr/bin:/bin", ...env },
	});
	return { status, stderr };
};

test.each(Object.values(PASSWORDS))(
	"%s, with which ClickHouse and the Collector were tried, is let through",
	(good) => {
		expect(check({ FIRST_PASSWORD: good, SECOND_PASSWORD: "x" })).toEqual({ status: 0, stderr: "" });
	},
);

test.each(["a&b", "a<b", "a>b", "a$b", "${HOME}", "a b", "a'b", 'a"b', "a\nb", "ä", "`id`"])(
	"%j is refused by name, and not shown",
	(bad) => {
		const { status, stderr } = check({ FIRST_PASSWORD: "x", SECOND_PASSWORD: bad });
		expect(status).toBe(1);
		expect(stderr).toMatch(/^SECOND_PASSWORD has a character other than .*openssl rand -hex 24\n$/);
		expect(stderr).not.toContain(bad);
	},
);

test("one that is empty is refused", () => {
	expect(check({ FIRST_PASSWORD: "x" })).toEqual({
		status: 1,
		stderr: "SECOND_PASSWORD is empty: fill it in in .env\n",
	});
});
