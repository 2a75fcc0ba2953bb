import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { initRepository } from "@armspan/registry";
import { afterEach, expect, test } from "vitest";
import { ClickHouseServer, serverUnavailable } from "../conformance/clickhouse-server.ts";
import { parseDockerfile, valuesOf } from "./dockerfile.ts";

const ROOT = join(import.meta.dirname, "../..");
const NOBODY = 65_534;
const [build, image, ...more] = parseDockerfile(readFileSync(join(ROOT, "Dockerfile"), "utf8"));
if (build === undefined || image === undefined || more.length > 0) throw new Error("expected two stages");

/** Sources of COPY that come from the repository. */
const sources = valuesOf(build, "COPY").flatMap((value) => value.split(" ").slice(0, -1));

const undo: (() => unknown)[] = [];
afterEach(async () => {
	for (const step of undo.splice(0).reverse()) await step();
});

test("it is built on the Node that npm pins, from files that git has and .dockerignore lets in", () => {
	const { optionalDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
		optionalDependencies: Record<string, string>;
	};
	const [node] = new Set(Object.values(optionalDependencies));
	expect([build.image, image.image]).toEqual([`node:${node}-bookworm-slim`, `node:${node}-bookworm-slim`]);
	expect(valuesOf(image, "COPY")).toEqual(["--from=build /app /app"]);
	const tracked = execFileSync("git", ["ls-files", "--", ...sources], { cwd: ROOT, encoding: "utf8" }).split("\n");
	const ignore = readFileSync(join(ROOT, ".dockerignore"), "utf8").split("\n");
	for (const source of sources) {
		expect(
			tracked.some((file) => file === source || file.startsWith(`${source}/`)),
			source,
		).toBe(true);
		expect(ignore, source).toContain(`!${source}`);
	}
	expect(ignore[1]).toBe("*");
	expect(ignore).toContain("**/.env*");
});

test("it runs as nobody special, starts the service, and says whether it is well", () => {
	expect(valuesOf(image, "USER")).toEqual(["node"]);
	const [command = ""] = valuesOf(image, "ENTRYPOINT");
	const [program, script] = JSON.parse(command) as string[];
	expect(program).toBe("node");
	expect(readFileSync(join(ROOT, String(script).replace("/app/", "")), "utf8")).toContain("#!/usr/bin/env node");
	expect(healthCommand()).toHaveLength(3);
});

const unavailable =
	process.env.ARMSPAN_REQUIRE_CONFORMANCE === "1"
		? serverUnavailable()
		: "the steps of the Dockerfile take a minute; set ARMSPAN_REQUIRE_CONFORMANCE=1";
if (unavailable !== undefined) process.stderr.write(`\nSKIPPED: Dockerfile: ${unavailable}\n`);

test.skipIf(unavailable !== undefined)(
	"its steps give a service without chDB that a user without rights runs from a read-only folder",
	{ timeout: 600_000 },
	async () => {
		const folder = mkdtempSync(join(tmpdir(), "armspan-image-"));
		undo.push(() => rmSync(folder, { recursive: true, force: true }));
		// The other user must get there.
		chmodSync(folder, 0o755);
		chmodSync(tmpdir(), 0o711);
		const [src, app, data, repository] = ["src", "app", "data", "repository"].map((name) => join(folder, name)) as [
			string,
			string,
			string,
			string,
		];
		// What git has: half-done work of the folder, and what is built there, does not get in.
		mkdirSync(src);
		const archive = execFileSync("git", ["archive", "HEAD", ...sources], { cwd: ROOT, maxBuffer: 2 ** 28 });
		execFileSync("tar", ["-x", "-C", src], { input: archive });
		// The way to the registry is the machine's (certificates, proxies); what npm and vitest set for this test is not.
		const machine = Object.fromEntries(
			Object.entries(process.env).filter(([name]) => !/^(npm_|node_env$|vitest|test$|init_cwd$)/i.test(name)),
		);
		const omit = valuesOf(build, "ARG")[0]?.split("=").slice(1).join("=") ?? "";
		for (const step of valuesOf(build, "RUN")) {
			const ran = spawnSync("bash", ["-c", step.replaceAll("/app", app)], {
				cwd: src,
				encoding: "utf8",
				env: { ...machine, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, OMIT: omit },
			});
			expect(ran.status, `${step}\n${ran.stdout}\n${ran.stderr}`).toBe(0);
		}
		rmSync(src, { recursive: true });
		const megabytes = Number(execFileSync("du", ["-sm", app], { encoding: "utf8" }).split("\t")[0]);
		expect(megabytes).toBeLessThan(150);
		execFileSync("chmod", ["-R", "a-w,a+rX", app]);
		undo.push(() => execFileSync("chmod", ["-R", "u+w", app]));

		await initRepository(repository);
		mkdirSync(data);
		const asRoot = process.getuid?.() === 0;
		const identity = asRoot ? { uid: NOBODY, gid: NOBODY } : {};
		if (asRoot) {
			chownSync(data, NOBODY, NOBODY);
			// As mounted: somebody else's, which git refuses unless it is told otherwise.
			execFileSync("chmod", ["-R", "a+rwX", repository]);
		}
		// Node itself must be where that user can read it.
		const node = join(folder, "node");
		cpSync(process.execPath, node);
		const server = await ClickHouseServer.start(join(folder, "clickhouse"));
		undo.push(() => server.stop());

		const ports = { otlp: await freePort(), api: await freePort() };
		// The image's /etc/gitconfig.
		const gitConfig = join(folder, "gitconfig");
		const [, setting = ""] =
			/git config --system (--add safe\.directory '\*')/.exec(valuesOf(image, "RUN").join()) ?? [];
		execFileSync("bash", ["-c", `git config --file ${gitConfig} ${setting}`]);
		expect(valuesOf(image, "ENV")).toContain("GIT_CONFIG_GLOBAL=/etc/gitconfig");
		const env = {
			PATH: process.env.PATH,
			NODE_ENV: "production",
			GIT_CONFIG_GLOBAL: gitConfig,
			ARMSPAN_TOKEN: "a token of the test's",
		};
		const [command = ""] = valuesOf(image, "ENTRYPOINT");
		const [defaults = ""] = valuesOf(image, "CMD");
		const [, script = "", ...args] = [...(JSON.parse(command) as string[]), ...(JSON.parse(defaults) as string[])].map(
			(value) =>
				value
					.replace(/^\/app/, app)
					.replace(/^\/repository/, repository)
					.replace(/^\/data/, data)
					.replace("0.0.0.0", "127.0.0.1"),
		);
		const service = spawn(
			node,
			[
				script,
				...args,
				"--clickhouse-url",
				server.url,
				"--otlp-port",
				String(ports.otlp),
				"--api-port",
				String(ports.api),
			],
			{ cwd: data, env, ...identity },
		);
		undo.push(() => service.kill("SIGKILL"));
		let output = "";
		for (const stream of [service.stdout, service.stderr]) stream.on("data", (chunk) => (output += chunk));
		const ended = once(service, "close");

		const [, ...check] = healthCommand();
		const healthy = (token: string) =>
			spawnSync(
				node,
				check.map((value) => value.replace(":7070/", `:${ports.api}/`)),
				{
					encoding: "utf8",
					env: { ...env, ARMSPAN_TOKEN: token },
					...identity,
				},
			);
		for (;;) {
			const { status, stdout } = healthy(env.ARMSPAN_TOKEN);
			if (status === 0) {
				expect(JSON.parse(stdout)).toMatchObject({ store: "ok" });
				break;
			}
			expect(service.exitCode, output).toBe(null);
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
		expect(healthy("another").status).toBe(1);
		expect(await server.run("SELECT count() FROM otel_traces")).toBe("0\n");
		expect(readFileSync(join(data, "routing", "routing.json"), "utf8")).toContain("support-reply");
		service.kill("SIGTERM");
		expect([...(await ended), output]).toEqual([0, null, expect.stringContaining("is up")]);
	},
);

function healthCommand(): string[] {
	const [value = ""] = valuesOf(image!, "HEALTHCHECK");
	return JSON.parse(value.slice(value.indexOf("CMD ") + 4)) as string[];
}

function freePort(): Promise<number> {
	return new Promise((resolve) => {
		const server = createServer().listen(0, "127.0.0.1", () => {
			const address = server.address();
			server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
		});
	});
}
