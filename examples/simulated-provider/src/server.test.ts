import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("./server.ts", import.meta.url));

function run(...programArguments: string[]): ChildProcess {
	const child = spawn(process.execPath, [PROGRAM, ...programArguments], { stdio: ["ignore", "pipe", "pipe"] });
	onTestFinished(() => {
		child.kill("SIGKILL");
	});
	return child;
}

async function addressOf(child: ChildProcess): Promise<string> {
	const line = await new Promise<string>((resolve) => child.stdout!.once("data", (data) => resolve(String(data))));
	expect(line).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+\n$/);
	return line.trim().slice("listening on ".length);
}

async function ended(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
	let stderr = "";
	child.stderr!.on("data", (data) => {
		stderr += data;
	});
	return new Promise((resolve) => child.once("close", (code) => resolve({ code, stderr })));
}

test("listens on a free port, and ends on SIGTERM although an answer is under way", async () => {
	const child = run("--port", "0");
	const url = await addressOf(child);
	expect((await fetch(`${url}/healthz`)).status).toBe(200);
	await fetch(`${url}/control`, { method: "POST", body: JSON.stringify({ latencyScale: 1000 }) });
	const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "x" }] });
	const underWay = fetch(`${url}/v1/chat/completions`, { method: "POST", body }).catch(() => "cut off");
	await fetch(`${url}/healthz`);
	const end = ended(child);
	child.kill("SIGTERM");
	expect(await end).toEqual({ code: 0, stderr: "" });
	expect(await underWay).toBe("cut off");
});

test("a port in use is one line and exit code 1", async () => {
	const url = await addressOf(run("--port", "0"));
	const { port } = new URL(url);
	expect(await ended(run("--port", port))).toEqual({
		code: 1,
		stderr: `simulated-provider: port ${port} is in use; choose another with --port\n`,
	});
});

test.each([["--port", "70000"], ["--seed", "x"], ["--unknown"]])("%s %s is refused", async (...programArguments) => {
	const { code, stderr } = await ended(run(...programArguments.filter((argument) => argument !== undefined)));
	expect(code).toBe(1);
	expect(stderr).toContain("usage: ");
});
