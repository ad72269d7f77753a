import Foundation

#if canImport(FoundationXML)
import FoundationXML
#endif

/// Reads XML and collects its elements, so that tests can ask for shapes instead of comparing strings. Nil for malformed XML.
final class MarkupReader: NSObject, XMLParserDelegate {
    struct Element {
        var name: String
        var attributes: [String: String]
        var text = ""
    }

    private(set) var elements: [Element] = []
    private var open: [Int] = []

    init?(_ xml: String) {
        super.init()
        let parser = XMLParser(data: Data(xml.utf8))
        parser.delegate = self
        guard parser.parse() else { return nil }
    }

    func all(_ name: String, class wanted: String? = nil) -> [Element] {
        elements.filter { element in
            element.name == name
                && (wanted.map { (element.attributes["class"] ?? "").split(separator: " ").contains(Substring($0)) } ?? true)
        }
    }

    /// The corners of a path made of M and L steps.
    static func corners(_ element: Element) -> [(x: Double, y: Double)] {
        (element.attributes["d"] ?? "").replacingOccurrences(of: "Z", with: "").split(whereSeparator: { $0 == "M" || $0 == "L" }).compactMap
        {
            let pair = $0.split(separator: " ").compactMap { Double($0) }
            return pair.count == 2 ? (pair[0], pair[1]) : nil
        }
    }

    func parser(
        _ parser: XMLParser, didStartElement elementName: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        open.append(elements.count)
        elements.append(Element(name: elementName, attributes: attributes))
    }

    func parser(_ parser: XMLParser, didEndElement elementName: String, namespaceURI: String?, qualifiedName: String?) { open.removeLast() }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        if let current = open.last { elements[current].text += string }
    }
}
