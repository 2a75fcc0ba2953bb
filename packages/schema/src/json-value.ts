import { z } from "zod";

/** Anything JSON can say. */
export const JsonValue = z.json();
export type JsonValue = z.infer<typeof JsonValue>;

/** Model parameters, handed to the application as written: `{ temperature: 0.2, max_tokens: 300 }`. */
export const ModelParameters = z.record(z.string().max(100), JsonValue);
export type ModelParameters = z.infer<typeof ModelParameters>;
