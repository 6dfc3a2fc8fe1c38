//! The shop's rows, made up from nothing but a number: the same ones every time, on every machine. Decides how many there
//! are and how they hang together: who buys how often, what sells well, when there is a sale, and what becomes of an order.

use super::calendar::{self, Day};
use super::words::{BRANDS, DISTRICTS, FAMILY_NAMES, GIVEN_NAMES, MAIL_HOSTS, ROADS, SHELVES, Shelf, VARIANTS};

/// The day after the last one of the sample, which is two years long.
const END: (i64, i64, i64) = (2026, 11, 1);
const DAYS: i64 = 730;
const SECONDS_A_DAY: u64 = 86_400;
/// Below it, sending costs something.
const SENT_FREE_FROM: u64 = 1_000;
const SENDING: u64 = 60;

/// How large a shop.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// People.
    pub customers: usize,
    /// Goods.
    pub products: usize,
    /// Orders, with two and a half lines each.
    pub orders: usize,
}

/// A shop of a realistic size.
pub const REALISTIC: Scale = Scale { customers: 20_000, products: 2_000, orders: 60_000 };

/// Someone who buys.
#[derive(Clone, Debug)]
pub struct Customer {
    pub id: String,
    pub name: String,
    /// `09xx-xxx-xxx`
    pub phone: String,
    pub email: String,
    pub address: String,
    /// A date.
    pub registered_on: String,
}

/// Something to buy.
#[derive(Clone, Debug)]
pub struct Product {
    pub id: String,
    pub title: String,
    pub category: &'static str,
    pub price_twd: u64,
    pub stock: u64,
}

/// An order with its lines.
#[derive(Clone, Debug)]
pub struct Order {
    pub id: String,
    /// The customer's place.
    pub customer: usize,
    /// Like `2026-01-31T08:15:00+08:00`, which sorts as it reads.
    pub ordered_at: String,
    pub status: &'static str,
    pub payment: &'static str,
    pub shipping_twd: u64,
    pub total_twd: u64,
    pub lines: Vec<Line>,
}

/// So many of one thing.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The product's place.
    pub product: usize,
    pub quantity: u64,
    pub unit_price_twd: u64,
}

/// All of it.
pub struct Shop {
    pub customers: Vec<Customer>,
    pub products: Vec<Product>,
    /// The oldest first.
    pub orders: Vec<Order>,
}

/// The shop of that size.
pub fn shop(scale: Scale) -> Shop {
    let mut dice = Dice(0x5EED_E000_0C00_u64);
    let end = calendar::day(END.0, END.1, END.2).unwrap_or_default();
    let customers = (0..scale.customers).map(|place| customer(place, end, &mut dice)).collect();
    let products: Vec<Product> = (0..scale.products).map(|place| product(place, &mut dice)).collect();
    let mut moments: Vec<(Day, u64)> = (0..scale.orders).map(|_| moment(end, &mut dice)).collect();
    moments.sort_unstable();
    let mut orders: Vec<Order> = Vec::with_capacity(scale.orders);
    let (mut today, mut number) = (0, 0);
    for (day, second) in moments {
        number = if day == today { number + 1 } else { 1 };
        today = day;
        orders.push(order(When { day, second, number, end }, scale, &products, &mut dice));
    }
    Shop { customers, products, orders }
}

fn customer(place: usize, end: Day, dice: &mut Dice) -> Customer {
    let (family, family_latin) = FAMILY_NAMES[dice.often_low(FAMILY_NAMES.len())];
    let (given, given_latin) = GIVEN_NAMES[dice.below(GIVEN_NAMES.len())];
    let (city, district, code) = DISTRICTS[dice.often_low(DISTRICTS.len())];
    let road = ROADS[dice.below(ROADS.len())];
    let section = ["", "一段", "二段", "三段"][dice.below(4)];
    let lane = if dice.percent(40) { format!("{}巷", 1 + dice.below(320)) } else { String::new() };
    let floor = if dice.percent(70) { format!("{}樓", 1 + dice.below(14)) } else { String::new() };
    let house = 1 + dice.below(280);
    // Every customer has a number of their own: the place decides nine hundred of them, chance the thousand in each.
    let phone = format!("09{:02}-{:03}-{:03}", 10 + place % 90, (place / 90) % 1_000, dice.below(1_000));
    let host = MAIL_HOSTS[dice.below(MAIL_HOSTS.len())];
    let age = i64::try_from(dice.below(1_500)).unwrap_or(0);
    Customer {
        id: format!("C{:06}", place + 1),
        name: format!("{family}{given}"),
        phone,
        email: format!("{given_latin}.{family_latin}{}@{host}", place + 1),
        address: format!("{code}{city}{district}{road}{section}{lane}{house}號{floor}"),
        registered_on: calendar::text(end - DAYS - age),
    }
}

fn product(place: usize, dice: &mut Dice) -> Product {
    let Shelf { category, goods, prices: (lowest, highest) } = &SHELVES[place % SHELVES.len()];
    let good = goods[dice.below(goods.len())];
    let brand = BRANDS[dice.below(BRANDS.len())];
    let variant = VARIANTS[dice.below(VARIANTS.len())];
    let spread = highest - lowest;
    // Most things are cheap, and prices end in nine.
    let price = lowest + spread * dice.often_low(1_000) as u64 / 1_000;
    let stock = if dice.percent(8) { 0 } else { 1 + dice.often_low(600) as u64 };
    Product {
        id: format!("P{:05}", place + 1),
        title: format!("【{brand}】{good} {variant}"),
        category,
        price_twd: price / 10 * 10 + 9,
        stock,
    }
}

/// When something is ordered: more often in the evening, on days of sale, and as the shop grows.
fn moment(end: Day, dice: &mut Dice) -> (Day, u64) {
    loop {
        let of_sample = i64::try_from(dice.below(usize::try_from(DAYS).unwrap_or(1))).unwrap_or(0);
        let day = end - DAYS + of_sample;
        let grown = 40 + 60 * of_sample / DAYS;
        let wanted = grown * if is_sale(day) { 4 } else { 1 };
        if (dice.below(400) as i64) < wanted {
            let evening = SECONDS_A_DAY * 3 / 4 + dice.below(5 * 3_600) as u64;
            let second = if dice.percent(45) { evening } else { dice.below(SECONDS_A_DAY as usize) as u64 };
            return (day, second);
        }
    }
}

/// The eleventh of November, the twelfth of December, and the middle of the year.
fn is_sale(day: Day) -> bool {
    let date = calendar::text(day);
    ["-11-11", "-12-12", "-06-18"].iter().any(|sale| date.ends_with(sale))
}

struct When {
    day: Day,
    second: u64,
    /// Of that day, from 1.
    number: u64,
    end: Day,
}

fn order(when: When, scale: Scale, products: &[Product], dice: &mut Dice) -> Order {
    let date = calendar::text(when.day);
    let (hour, minute, second) = (when.second / 3_600, when.second / 60 % 60, when.second % 60);
    let lines = lines(products, is_sale(when.day), dice);
    let goods: u64 = lines.iter().map(|line| line.quantity * line.unit_price_twd).sum();
    let shipping_twd = if goods < SENT_FREE_FROM { SENDING } else { 0 };
    Order {
        id: format!("EW{}-{:05}", date.replace('-', ""), when.number),
        customer: dice.often_low(scale.customers),
        ordered_at: format!("{date}T{hour:02}:{minute:02}:{second:02}+08:00"),
        status: status(when.end - when.day, dice),
        payment: ["credit_card", "line_pay", "convenience_store", "atm", "cash_on_delivery"][dice.often_low(5)],
        shipping_twd,
        total_twd: goods + shipping_twd,
        lines,
    }
}

fn lines(products: &[Product], sale: bool, dice: &mut Dice) -> Vec<Line> {
    let count = [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 5][dice.below(20)];
    let mut lines: Vec<Line> = Vec::new();
    while lines.len() < count.min(products.len()) {
        let product = dice.often_low(products.len());
        let quantity = 1 + dice.often_low(4) as u64;
        if lines.iter().any(|line| line.product == product) {
            continue;
        }
        let price = products[product].price_twd;
        lines.push(Line { product, quantity, unit_price_twd: if sale { price * 85 / 100 } else { price } });
    }
    lines
}

/// What has become of an order of so many days ago.
fn status(age: Day, dice: &mut Dice) -> &'static str {
    let chance = dice.below(100);
    match age {
        ..=2 => ["pending", "paid", "paid", "shipped"][chance % 4],
        3..=8 if chance < 70 => "shipped",
        _ if chance >= 97 => "returned",
        _ if chance >= 92 => "cancelled",
        _ => "delivered",
    }
}

/// Chance that is always the same (SplitMix64, by Steele, Lea and Flood).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Any of so many.
    fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit.max(1) as u64) as usize
    }

    /// Any of so many, the first ones more often.
    fn often_low(&mut self, limit: usize) -> usize {
        let (one, other) = (self.below(limit), self.below(limit));
        one.min(other)
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_shop_of_realistic_size_is_consistent() {
        let shop = shop(REALISTIC);
        let lines: usize = shop.orders.iter().map(|order| order.lines.len()).sum();
        assert!((140_000..160_000).contains(&lines), "{lines}");
        let distinct = |values: Vec<&str>| values.len() == values.into_iter().collect::<BTreeSet<_>>().len();
        assert!(distinct(shop.customers.iter().map(|customer| customer.phone.as_str()).collect()));
        assert!(distinct(shop.customers.iter().map(|customer| customer.email.as_str()).collect()));
        assert!(distinct(shop.orders.iter().map(|order| order.id.as_str()).collect()));
        assert!(shop.orders.is_sorted_by(|one, next| one.ordered_at <= next.ordered_at));
        assert!(shop.orders[0].ordered_at.starts_with("2024-11-0"));
        assert!(shop.orders[REALISTIC.orders - 1].ordered_at.starts_with("2026-10-3"));
        for order in &shop.orders {
            let goods: u64 = order.lines.iter().map(|line| line.quantity * line.unit_price_twd).sum();
            assert_eq!(order.total_twd, goods + order.shipping_twd);
        }
    }

    #[test]
    fn the_sample_is_the_same_every_time() {
        let scale = Scale { customers: 50, products: 20, orders: 100 };
        let told = |shop: Shop| format!("{:?}{:?}{:?}", shop.customers, shop.products, shop.orders);
        assert_eq!(told(shop(scale)), told(shop(scale)));
    }
}
