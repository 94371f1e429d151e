// A shop of Vendure with one product: `node shop.cjs TICKETS`. It takes its database from the environment, and says on
// which free port it listens.
const {
    bootstrap, DefaultLogger, dummyPaymentHandler, LanguageCode, LogLevel, Populator, ProductService,
    ProductVariantService, RequestContextService,
} = require('@vendure/core');

const config = {
    apiOptions: { hostname: '127.0.0.1', port: 0, adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
    authOptions: { tokenMethod: ['bearer'], superadminCredentials: { identifier: 'admin', password: 'admin' } },
    dbConnectionOptions: {
        type: 'postgres', host: '127.0.0.1', port: Number(process.env.PGPORT), username: 'postgres',
        password: process.env.PGPASSWORD, database: 'tickets', synchronize: true,
    },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
    logger: new DefaultLogger({ level: LogLevel.Error }),
    plugins: [],
};
const paid = { code: dummyPaymentHandler.code, arguments: [{ name: 'automaticSettle', value: 'true' }] };
const initialData = {
    defaultLanguage: LanguageCode.en,
    defaultZone: 'Europe',
    countries: [{ name: 'United Kingdom', code: 'GB', zone: 'Europe' }],
    taxRates: [{ name: 'Standard', percentage: 20 }],
    shippingMethods: [{ name: 'Post', price: 0 }],
    paymentMethods: [{ name: 'Dummy', handler: paid }],
    collections: [],
};

async function open(tickets) {
    const app = await bootstrap(config);
    await app.get(Populator).populateInitialData(initialData);
    const context = await app.get(RequestContextService).create({ apiType: 'admin' });
    const named = [{ languageCode: LanguageCode.en, name: 'Concert', slug: 'concert', description: '' }];
    const product = await app.get(ProductService).create(context, { translations: named });
    await app.get(ProductVariantService).create(context, [{
        productId: product.id, sku: 'concert', price: 1000, stockOnHand: tickets, trackInventory: 'TRUE',
        translations: [{ languageCode: LanguageCode.en, name: 'Concert' }],
    }]);
    console.log(`listening on http://127.0.0.1:${app.getHttpServer().address().port}`);
}

open(Number(process.argv[2])).catch(error => {
    console.error(error);
    process.exit(1);
});
