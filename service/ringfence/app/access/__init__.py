"""Who is let in: sessions, API keys and the two sealed accounts. How somebody proves who they are at an identity
provider is not known here."""
