import { expect, it, vi } from "vitest";
import { openCalls } from "./open-calls.ts";

function createCall() {
	const call = { abandon: vi.fn(() => openCalls.delete(call)) };
	openCalls.add(call);
	return call;
}

it("abandons what is open, once, and nothing that has ended", () => {
	const [ended, open] = [createCall(), createCall()];
	openCalls.delete(ended);
	openCalls.abandonAll();
	openCalls.abandonAll();
	expect(ended.abandon).not.toHaveBeenCalled();
	expect(open.abandon).toHaveBeenCalledTimes(1);
});

it("throws nothing into a process that leaves, and goes on", () => {
	const throwing = { abandon: () => expect.unreachable() };
	openCalls.add(throwing);
	const open = createCall();
	expect(() => openCalls.abandonAll()).not.toThrow();
	expect(open.abandon).toHaveBeenCalledTimes(1);
	openCalls.delete(throwing);
});

it("keeps the newest 4,096", () => {
	const calls = Array.from({ length: 4098 }, createCall);
	openCalls.abandonAll();
	const abandoned = calls.map(({ abandon }) => abandon.mock.calls.length);
	expect(abandoned.slice(0, 3)).toEqual([0, 0, 1]);
	expect(abandoned.at(-1)).toBe(1);
});
