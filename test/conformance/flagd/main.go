// Variants that flagd's Go evaluator gives, in-process from a file: one line per request.
//
// usage: evaluate <routing.json> <requests.jsonl>
//
// A request is ["<flag>", <context>]; the answer is the variant, or !<error code>.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/store"
	"github.com/open-feature/flagd/core/pkg/sync"
	"go.uber.org/zap"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: evaluate <routing.json> <requests.jsonl>")
	}
	routing, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	// An evaluator that cannot hash an id says so in the log for each one; the answer says it as well.
	quiet := logger.NewLogger(zap.NewNop(), false)
	flags, err := store.NewStore(quiet, []string{os.Args[1]})
	if err != nil {
		log.Fatal(err)
	}
	flagd := evaluator.NewJSON(quiet, flags)
	if err := flagd.SetState(sync.DataSync{FlagData: string(routing), Source: os.Args[1]}); err != nil {
		log.Fatal(err)
	}
	requests, err := os.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	defer requests.Close()
	answers := bufio.NewWriter(os.Stdout)
	defer answers.Flush()
	lines := bufio.NewScanner(requests)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var request [2]json.RawMessage
		var flag string
		var attributes map[string]any
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			log.Fatal(err)
		}
		if err := json.Unmarshal(request[0], &flag); err != nil {
			log.Fatal(err)
		}
		if err := json.Unmarshal(request[1], &attributes); err != nil {
			log.Fatal(err)
		}
		_, variant, _, _, err := flagd.ResolveObjectValue(context.Background(), "", flag, attributes)
		if err != nil {
			variant = "!" + err.Error()
		}
		fmt.Fprintln(answers, variant)
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}
