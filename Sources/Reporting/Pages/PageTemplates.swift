import Mustache

/// How values become HTML.
///
/// Mustache's own escaping replaces whole characters, so a quote that carries a combining accent is one character to it, stays, and ends an
/// attribute in the browser; ours goes by scalars.
private struct PageContent: MustacheContentType {
    static let name = "HAGGLE_PAGE"

    func escapeText(_ text: String) -> String { Markup.escaped(text) }
}

/// The templates of all pages. Values are escaped by `PageContent`; only markup made by `Markup` goes in unescaped (`{{{...}}}`).
enum PageTemplates {
    static let library: MustacheLibrary = {
        MustacheContentTypes.register(PageContent(), named: PageContent.name)
        let sources = [
            "layout": layout, "dashboard": dashboard, "experiment": experiment, "evaluation": evaluation, "headline": headline,
            "contents": contents, "section": section, "part": part, "content": content,
        ]
        do {
            // Mustache forgets the content type in partials, so every template names it.
            return MustacheLibrary(
                templates: try sources.mapValues { try MustacheTemplate(string: "{{% CONTENT_TYPE:\(PageContent.name)}}" + $0) })
        } catch {
            preconditionFailure("a page template does not parse: \(error)")
        }
    }()

    static func render(_ name: String, _ view: Any) -> String {
        guard let page = library.render(view, withTemplate: name) else { preconditionFailure("there is no page template '\(name)'") }
        return page
    }

    private static let layout = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width,initial-scale=1">
        <meta name="color-scheme" content="light dark">
        {{#refreshSeconds}}<meta http-equiv="refresh" content="{{refreshSeconds}}">{{/refreshSeconds}}
        <title>{{title}}</title>
        <style>{{{css}}}</style>
        </head>
        <body>
        <a class="skip" href="#main">To the content</a>
        <header class="top"><div class="wide"><a class="brand" href="{{home}}">Haggle</a><span class="when">{{generatedAt}}</span></div></header>
        <main class="wide" id="main">
        {{#notice}}<p class="notice" role="status">{{notice}}</p>{{/notice}}
        {{$content}}{{/content}}
        </main>
        <footer class="wide">{{footnote}}</footer>
        </body>
        </html>

        """

    private static let dashboard = """
        {{<layout}}
        {{$content}}
        <h1>Experiments</h1>
        {{#experiments}}
        <section class="card" aria-labelledby="{{anchor}}">
        <div class="head"><h2 id="{{anchor}}"><a href="{{link}}">{{name}}</a></h2><span class="status {{statusClass}}">{{status}}</span></div>
        {{#description}}<p class="lead">{{description}}</p>{{/description}}
        {{>headline}}
        {{#hasCharts}}<div class="pair">{{#charts}}<figure><figcaption>{{title}}</figcaption>{{{svg}}}</figure>{{/charts}}</div>{{/hasCharts}}
        {{^hasCharts}}<p class="meta">No impressions yet.</p>{{/hasCharts}}
        <p class="meta">{{meta}}</p>
        </section>
        {{/experiments}}
        {{^experiments}}<p class="empty">No experiment has been applied yet. Write a file, then run <code>haggle apply experiments</code>.</p>{{/experiments}}
        {{/content}}
        {{/layout}}
        """

    private static let experiment = """
        {{<layout}}
        {{$content}}
        <div class="head"><h1>{{name}}</h1><span class="status {{statusClass}}">{{status}}</span></div>
        {{#description}}<p class="lead">{{description}}</p>{{/description}}
        <p class="meta">{{meta}}</p>
        <section class="card" aria-label="Result">{{>headline}}</section>
        {{>contents}}
        {{#sections}}{{>section}}{{/sections}}
        {{/content}}
        {{/layout}}
        """

    private static let evaluation = """
        {{<layout}}
        {{$content}}
        <div class="head"><h1>{{title}}</h1>{{#marks}}<span class="mark">{{.}}</span>{{/marks}}</div>
        <section class="card" aria-label="Result">
        {{#summary}}<p class="answer">{{.}}</p>{{/summary}}
        <dl class="figures">
        {{#figures}}<div><dt>{{label}}</dt><dd>{{value}}</dd>{{#doubt}}<dd class="doubt">{{doubt}}</dd>{{/doubt}}</div>{{/figures}}
        </dl>
        </section>
        {{>contents}}
        {{#sections}}{{>section}}{{/sections}}
        <section class="card" aria-labelledby="glossary">
        <h2 id="glossary">Glossary</h2>
        <details open="open"><summary>What the words mean</summary>
        <dl class="words">{{#glossary}}<div><dt>{{term}}</dt><dd>{{text}}</dd></div>{{/glossary}}</dl>
        </details>
        </section>
        {{/content}}
        {{/layout}}
        """

    private static let contents = """
        {{#hasContents}}<nav class="contents" aria-label="Contents"><ul>{{#sections}}<li><a href="#{{id}}">{{title}}</a></li>{{/sections}}</ul></nav>{{/hasContents}}
        """

    private static let headline = """
        {{#verdict}}<p class="verdict {{verdictClass}}">{{verdict}}</p>{{/verdict}}
        <dl class="figures">
        {{#figures}}<div><dt>{{label}}</dt><dd>{{value}}</dd>{{#doubt}}<dd class="doubt">{{doubt}}</dd>{{/doubt}}</div>{{/figures}}
        </dl>
        """

    private static let section = """
        <section class="card" aria-labelledby="{{id}}">
        <div class="head"><h2 id="{{id}}">{{title}}</h2>{{#marks}}<span class="mark">{{.}}</span>{{/marks}}</div>
        {{>content}}
        {{#parts}}{{>part}}{{/parts}}
        </section>
        """

    private static let part = """
        <section class="part" aria-labelledby="{{id}}">
        <h3 id="{{id}}">{{title}}</h3>
        {{>content}}
        </section>
        """

    private static let content = """
        {{#paragraphs}}<p>{{.}}</p>{{/paragraphs}}
        {{#hasItems}}<ul class="items">{{#items}}<li>{{.}}</li>{{/items}}</ul>{{/hasItems}}
        {{#hasDefinitions}}<dl class="words">{{#definitions}}<div><dt>{{term}}</dt><dd>{{text}}</dd></div>{{/definitions}}</dl>{{/hasDefinitions}}
        {{#code}}<pre tabindex="0" aria-label="Command"><code>{{code}}</code></pre>{{/code}}
        {{#hasFlow}}<div class="flow">
        {{#charts}}<figure><figcaption>{{title}}</figcaption>{{{svg}}}</figure>{{/charts}}
        {{#tables}}<div class="scroll" tabindex="0" role="region" aria-label="{{label}}">{{{markup}}}</div>{{/tables}}
        </div>{{/hasFlow}}
        {{#appendix}}<details><summary>Numbers: {{caption}}</summary><div class="scroll" tabindex="0" role="region" aria-label="{{label}}">{{{markup}}}</div></details>{{/appendix}}
        {{#notes}}<p class="note">{{.}}</p>{{/notes}}
        """
}
