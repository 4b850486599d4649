// One question through Vercel's `ai`: whole, then streamed. The question is a file of JSON; the answers go to standard output.
import { readFileSync } from "node:fs";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";

const question = JSON.parse(readFileSync(process.argv[2], "utf-8"));
const provider = createOpenAICompatible({
  name: "vreason",
  baseURL: question.url,
  includeUsage: true,
  // its messages have no part for a video: the body is given one, and the method's own fields
  transformRequestBody: (body) => {
    const text = question.messages[0].content.find((part) => part.type === "text").text;
    const content = [{ type: "video_url", video_url: { url: question.video } }, { type: "text", text }];
    return { ...body, messages: [{ role: "user", content }], vreason: question.vreason };
  },
});
const asked = { model: provider(question.model), prompt: "see the transformed body", maxRetries: 0 };

const whole = await generateText(asked);
const streamed = streamText(asked);
let text = "";
for await (const piece of streamed.textStream) text += piece;

console.log(
  JSON.stringify({
    whole: { text: whole.text, reasoning: whole.reasoningText, tokens: whole.usage.outputTokens },
    streamed: { text, reasoning: await streamed.reasoningText },
  }),
);
