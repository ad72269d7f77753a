/// What a column of a purchase file can hold.
package enum PurchaseRole: String, Hashable, Sendable, Codable, CaseIterable {
    case customer, time, order, item, category, amount, discount, currency, units

    /// Names that are recognised, best first; letter case, spaces, underscores and dashes make no difference.
    package var knownNames: [String] {
        switch self {
        case .customer:
            [
                "customer", "customer_id", "household_id", "household_key", "user_id", "user", "member_id", "client_id", "account_id",
                "card_id", "shopper_id", "cust_id",
            ]
        case .time:
            [
                "time", "ts", "timestamp", "transaction_timestamp", "purchase_time", "purchased_at", "order_time", "ordered_at", "datetime",
                "date", "order_date", "invoice_date", "purchase_date", "transaction_date", "created_at", "event_time",
            ]
        case .order:
            ["order", "order_id", "basket_id", "basket", "invoice", "invoice_no", "transaction_id", "receipt_id", "order_number"]
        case .item: ["item", "item_id", "product_id", "product", "sku", "stock_code", "upc", "article", "description"]
        case .category: ["category", "product_category", "department", "commodity", "category_id", "product_type", "category_code"]
        case .amount:
            [
                "amount", "sales_value", "total", "total_amount", "line_total", "revenue", "spend", "paid", "net_amount", "order_value",
                "purchase_amount", "value",
            ]
        case .discount: ["discount", "discount_amount", "discounts", "total_discount", "discount_value"]
        case .currency: ["currency", "currency_code"]
        case .units: ["units", "quantity", "qty", "n_items", "pieces"]
        }
    }

    /// Without these nothing can be said about a customer.
    package static let required: [PurchaseRole] = [.customer, .time, .amount]
}

/// Which columns of a file are taken for what.
package struct PurchaseColumns: Hashable, Sendable, Codable {
    /// Columns that are discounts together: the shop's, the manufacturer's coupon, and the shop's match of it.
    static let summedDiscounts = ["retail_disc", "coupon_disc", "coupon_match_disc"]

    /// The columns by role; more than one only for `discount`, whose values are added.
    package private(set) var names: [String: [String]]

    package subscript(role: PurchaseRole) -> [String] { names[role.rawValue] ?? [] }

    /// The column that says what was bought: the category, else the item.
    package var category: String? { (self[.category].first ?? self[.item].first) }

    /// Finds the columns in a header.
    /// - Parameter given: what somebody said; everything else is found by its name.
    /// - Throws: `PurchaseError.missingColumns` with everything that is missing.
    package init(header: [String], file: String, given: [PurchaseRole: [String]]) throws(PurchaseError) {
        var found: [String: [String]] = [:]
        var missing: [PurchaseError.MissingColumn] = []
        var taken = Set(given.values.joined())
        let folded = header.map { Self.folded($0) }
        for role in PurchaseRole.allCases {
            if let names = given[role] {
                for name in names where !header.contains(name) { missing.append(.init(role: role, expected: [name])) }
                found[role.rawValue] = names
                continue
            }
            var names: [String] = []
            if role == .discount {
                names = Self.summedDiscounts.compactMap { name in folded.firstIndex(of: Self.folded(name)).map { header[$0] } }
            }
            if names.isEmpty {
                let known = role.knownNames.lazy.compactMap { name in folded.firstIndex(of: Self.folded(name)).map { header[$0] } }
                names = known.first { !taken.contains($0) }.map { [$0] } ?? []
            }
            if names.isEmpty, PurchaseRole.required.contains(role) { missing.append(.init(role: role, expected: role.knownNames)) }
            guard !names.isEmpty else { continue }
            found[role.rawValue] = names
            taken.formUnion(names)
        }
        guard missing.isEmpty else { throw .missingColumns(file: file, missing: missing, found: header) }
        names = found
    }

    private static func folded(_ name: String) -> String { name.lowercased().filter { $0.isLetter || $0.isNumber } }
}
