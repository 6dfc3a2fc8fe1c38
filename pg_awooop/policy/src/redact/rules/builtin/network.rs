//! Addresses of machines and of cryptocurrencies, for the two families that are off unless asked for.

use super::builtin_rules;

builtin_rules! {
    INTERNET_ADDRESS = Ip "internet-address", &[&[".", ":"]], "IPv4 or IPv6", Address,
    finds ["client 192.0.2.17:443", "2001:db8::ff00:42:8329", "[::1]"],
    passes ["version 1.2.3.4", "1.2.3.4.5", "12:34:56", "a::b()"];
    CRYPTO_ADDRESS = CryptoAddress "crypto-address", &[&["0x", "bc1", "tb1", "1", "3", "L", "M", "D", "T"]],
    "Bitcoin, Litecoin, Dogecoin, Tron and Ethereum addresses", Checksum,
    finds ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "0x742d35Cc6634C0532925a3b844Bc454e4438f44e"],
    passes ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "0xdeadbeef"];
}
