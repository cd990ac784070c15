package render

import (
	"reflect"
	"strings"
	"time"
)

// The bounds of one rendering. They are far above what a pack needs, and low enough to end one that never would.
const (
	maxText  = 64 << 20 // bytes of all manifests
	maxValue = 16 << 20 // bytes of one value that a function takes or makes
	maxItems = 1 << 20  // items of a list that a function makes
	maxSteps = 500_000  // turns of loops and includes
	// maxMade is for all values that functions make: a template may keep every one of them.
	maxMade = 512 << 20
	// maxTime ends what makes little and takes long, such as a million keys.
	maxTime = time.Minute
)

// The bounds of what stands inside of each other. A template that exhausts all of them at once still fits on the
// stack of a goroutine, whose overflow would end the program.
const (
	maxNested  = 1000    // includes
	maxDepth   = 1000    // mappings and lists
	maxBlocks  = 200     // if, with and range in one template
	maxParts   = 200     // parts of one expression
	maxActions = 100_000 // actions in one text, for the parser
)

// budget is what a rendering may still use.
type budget struct {
	text, steps, nested, made int
	now                       func() time.Time
	end                       time.Time
}

func newBudget(now func() time.Time) budget {
	return budget{text: maxText, steps: maxSteps, nested: maxNested, made: maxMade, now: now, end: now().Add(maxTime)}
}

// time ends a rendering that has taken too long.
func (b *budget) time() error {
	if b.now().After(b.end) {
		return failf("rendering the pack takes longer than %s", maxTime)
	}
	return nil
}

// make takes bytes of new values.
func (b *budget) make(bytes int) error {
	if b.made -= bytes; b.made < 0 {
		return failf("the functions of the pack make more than %d MiB of values", maxMade>>20)
	}
	return nil
}

func (b *budget) write(bytes int) error {
	if b.text -= bytes; b.text < 0 {
		return failf("the pack renders to more than %d MiB", maxText>>20)
	}
	return nil
}

func (b *budget) step() error {
	if b.steps--; b.steps < 0 {
		return failf("more than %d turns of loops and includes", maxSteps)
	}
	return b.time()
}

// enter counts a template that another includes, until leave.
func (b *budget) enter(doing string) error {
	if b.nested == 0 {
		return failf("%s is nested more than %d deep; does it include itself?", doing, maxNested)
	}
	b.nested--
	return b.step()
}

func (b *budget) leave() { b.nested++ }

// boundedText is a strings.Builder that takes no more than a value may hold, and what it holds from the budget: templates
// inside of each other may each hold one.
type boundedText struct {
	strings.Builder
	budget *budget
}

// Write adds text; the error is a *failure.
func (b *boundedText) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxValue {
		return 0, tooLarge()
	}
	if err := b.budget.make(len(p)); err != nil {
		return 0, err
	}
	return b.Builder.Write(p)
}

// close gives back what the text took: as the result of a function it is counted again.
func (b *boundedText) close() { b.budget.made += b.Len() }

func tooLarge() *failure { return failf("the value is larger than %d MiB", maxValue>>20) }

// weigh returns an error for a value that is too large to be written out, or that contains itself.
func weigh(value any) error {
	left := maxValue
	return weighInto(&left, value, 0)
}

func weighInto(left *int, value any, depth int) error {
	if depth > maxDepth {
		return failf("the value is nested more than %d deep; does it contain itself?", maxDepth)
	}
	// Written out, every item takes a line that is indented by its depth.
	if *left -= 1 + 2*depth; *left < 0 {
		return tooLarge()
	}
	switch value := value.(type) {
	case string:
		*left -= len(value)
	case []byte:
		*left -= len(value)
	case map[string]any:
		for key, item := range value {
			*left -= len(key)
			if err := weighInto(left, item, depth+1); err != nil {
				return err
			}
		}
	case []any:
		for _, item := range value {
			if err := weighInto(left, item, depth+1); err != nil {
				return err
			}
		}
	default:
		return weighReflected(left, reflect.ValueOf(value), depth)
	}
	if *left < 0 {
		return tooLarge()
	}
	return nil
}

// weighReflected weighs the lists and mappings of other types, such as a []string.
func weighReflected(left *int, value reflect.Value, depth int) error {
	switch value.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range value.Len() {
			if err := weighInto(left, value.Index(i).Interface(), depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, item := range value.Seq2() {
			if err := weighInto(left, item.Interface(), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
