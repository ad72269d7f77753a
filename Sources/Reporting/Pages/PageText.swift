import HaggleCore

/// Words that several pages share.
enum PageText {
    static let footnote = "Intervals hold for one look at the numbers; times are UTC."

    /// `2026-11-03 20:41:07 UTC`.
    static func moment(_ time: Timestamp) -> String {
        let text = Timestamp(microseconds: time.microseconds / 1_000_000 * 1_000_000).description
        return text.prefix(10) + " " + text.dropFirst(11).prefix(8) + " UTC"
    }

    /// The moment between two ISO 8601 times, in seconds since the Unix epoch; nil where they cannot be read.
    static func middle(_ from: String, _ to: String) -> Double? {
        Timestamp(from).flatMap { from in Timestamp(to).map { (from.seconds + $0.seconds) / 2 } }
    }

    /// Percent-encoding of everything but RFC 3986's unreserved characters.
    static func pathComponent(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                return String(UnicodeScalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                return "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }.joined()
    }

    static func page(experiment: ExperimentSummary, sections: [ReportSection], frame: PageFrame, hasContents: Bool = false) -> String {
        let view = ExperimentView(experiment, position: 0, link: "")
        let sections = sections.filter { !$0.isEmpty }.enumerated().map { SectionView($1, id: "section-\($0)") }
        var values: [String: Any] = [
            "name": view.name, "status": view.status, "statusClass": view.statusClass, "meta": view.meta,
            "verdictClass": view.verdictClass, "figures": view.figures,
            "sections": sections, "hasContents": hasContents && sections.count > 2,
        ]
        values["description"] = view.description
        values["verdict"] = view.verdict
        return PageTemplates.render("experiment", frame.merged(with: values))
    }
}

extension PageFrame {
    /// The frame's values and the page's own in one dictionary, as the templates read them.
    func merged(with values: [String: Any]) -> [String: Any] {
        var all: [String: Any] = [
            "title": title, "home": home, "generatedAt": generatedAt, "css": css, "footnote": footnote,
        ]
        all["notice"] = notice
        all["refreshSeconds"] = refreshSeconds
        return all.merging(values) { $1 }
    }
}
