package timeline

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// The measures of the picture, in pixels.
const (
	svgWidth   = 960
	svgNames   = 270
	svgTimes   = 80
	svgMargin  = 16
	svgRow     = 24
	svgBar     = 14
	svgHead    = 44
	svgFoot    = 32
	svgMinimum = 2
	// svgNameLength is how many characters of a name have room, and svgTitleLength of the title.
	svgNameLength, svgTitleLength = 36, 110
)

// svgStyle follows the colours that whoever looks at the picture prefers.
const svgStyle = `
text{font:12px system-ui,sans-serif;fill:#1f2328}
.title{font-size:14px;font-weight:600}
.faint{fill:#59636e}
.number{text-anchor:end;font-variant-numeric:tabular-nums}
.back{fill:#ffffff}
.grid{stroke:#d1d9e0}
.succeeded{fill:#1a7f37}.failed{fill:#cf222e}.running{fill:#0969da}.interrupted{fill:#9a6700}
@media(prefers-color-scheme:dark){
text{fill:#e6edf3}.faint{fill:#9198a1}.back{fill:#0d1117}.grid{stroke:#3d444d}
.succeeded{fill:#3fb950}.failed{fill:#f85149}.running{fill:#4493f8}.interrupted{fill:#d29922}
}`

type svgPicture struct {
	XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
	ViewBox string   `xml:"viewBox,attr"`
	Width   int      `xml:"width,attr"`
	Height  int      `xml:"height,attr"`
	Role    string   `xml:"role,attr"`
	Title   string   `xml:"title"`
	Style   string   `xml:"style"`
	Content []any
}

type svgText struct {
	XMLName xml.Name `xml:"text"`
	X       float64  `xml:"x,attr"`
	Y       float64  `xml:"y,attr"`
	Class   string   `xml:"class,attr,omitempty"`
	Text    string   `xml:",chardata"`
}

type svgRect struct {
	XMLName xml.Name `xml:"rect"`
	X       float64  `xml:"x,attr"`
	Y       float64  `xml:"y,attr"`
	Width   float64  `xml:"width,attr"`
	Height  float64  `xml:"height,attr"`
	Rounded float64  `xml:"rx,attr,omitempty"`
	Class   string   `xml:"class,attr"`
	Title   string   `xml:"title,omitempty"`
}

type svgLine struct {
	XMLName xml.Name `xml:"line"`
	X1      float64  `xml:"x1,attr"`
	Y1      float64  `xml:"y1,attr"`
	X2      float64  `xml:"x2,attr"`
	Y2      float64  `xml:"y2,attr"`
	Class   string   `xml:"class,attr"`
}

// SVG writes the chart as a picture that stands alone. Every text in it is escaped by the encoder.
func (c Chart) SVG(out io.Writer) error {
	height := svgHead + len(c.Bars)*svgRow + svgFoot
	picture := svgPicture{
		ViewBox: fmt.Sprintf("0 0 %d %d", svgWidth, height), Width: svgWidth, Height: height, Role: "img",
		Title: c.Title, Style: svgStyle,
	}
	picture.Content = append(picture.Content,
		svgRect{Width: svgWidth, Height: float64(height), Class: "back"},
		svgText{X: svgMargin, Y: 26, Class: "title", Text: shorten(c.Title, svgTitleLength)},
		svgText{X: svgWidth - svgMargin, Y: 26, Class: "number", Text: words.Duration(c.Elapsed())},
	)
	picture.Content = append(picture.Content, c.svgGrid(height)...)
	for row, bar := range c.Bars {
		picture.Content = append(picture.Content, c.svgBar(row, bar)...)
	}
	if _, err := io.WriteString(out, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(out)
	encoder.Indent("", " ")
	if err := encoder.Encode(picture); err != nil {
		return err
	}
	_, err := io.WriteString(out, "\n")
	return err
}

// x is where a part of the whole time is, between 0 and 1.
func x(part float64) float64 {
	return math.Round((svgMargin+svgNames+svgTimes+part*(svgWidth-2*svgMargin-svgNames-svgTimes))*10) / 10
}

func (c Chart) svgGrid(height int) []any {
	var content []any
	bottom := float64(height - svgFoot)
	for _, tick := range c.ticks() {
		at := x(float64(tick) / float64(max(1, c.Elapsed())))
		content = append(content, svgLine{X1: at, Y1: svgHead, X2: at, Y2: bottom, Class: "grid"})
		if at < svgWidth-3*svgMargin {
			content = append(content, svgText{X: at, Y: bottom + 16, Class: "faint", Text: words.Duration(tick)})
		}
	}
	return content
}

// ticks are the times at which the chart has lines: round ones, not too many.
func (c Chart) ticks() []time.Duration {
	const most = 6
	step := time.Millisecond
	for _, next := range []time.Duration{
		10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second,
		5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour,
	} {
		if c.Elapsed()/step <= most {
			break
		}
		step = next
	}
	for c.Elapsed()/step > most {
		step *= 2
	}
	var ticks []time.Duration
	for at := time.Duration(0); at <= c.Elapsed(); at += step {
		ticks = append(ticks, at)
	}
	return ticks
}

func (c Chart) svgBar(row int, bar Bar) []any {
	top := float64(svgHead + row*svgRow)
	left, class := float64(svgMargin), ""
	if bar.Nested {
		left, class = left+svgMargin, "faint"
	}
	from := x(c.place(bar.Start))
	width := math.Max(svgMinimum, x(c.place(bar.End))-from)
	tip := fmt.Sprintf("%s: %s, %s", bar.Name, bar.State, bar.Took())
	if bar.Note != "" {
		tip += ", " + bar.Note
	}
	return []any{
		svgText{X: left, Y: top + 16, Class: class, Text: shorten(bar.Name, svgNameLength)},
		svgText{X: svgMargin + svgNames + svgTimes - 10, Y: top + 16, Class: "number faint", Text: bar.Took()},
		svgRect{X: from, Y: top + (svgRow-svgBar)/2, Width: math.Round(width*10) / 10, Height: svgBar, Rounded: 2, Class: string(bar.State), Title: tip},
	}
}

// shorten cuts a text that has no room.
func shorten(text string, most int) string { return ansi.Truncate(text, most, "…") }
